import { nodeHost } from "../../../host/crypto-host.ts";
import { equal } from "../../../manifests/encoding/bytes.ts";
import {
  type Acknowledgement,
  acknowledgementBytes,
  checkAcknowledgement,
  readAcknowledgement,
} from "../../../manifests/log/acknowledgement.ts";
import { makePolicy } from "../../bundle/signed.ts";
import { oids, TestLedger } from "../../manifests/log/test-ledger.ts";
import { mutateFile } from "../files.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";

const box = { appliance: "box-1", genesis: "ab".repeat(32) };
const digest = "cd".repeat(32);

/** The same each time: its keys are made of names. */
const made = TestLedger.make().then(async (ledger) => {
  await ledger.fill(2);
  await ledger.hold(box, { number: 1, digest }, { number: 2, digest });
  await ledger.fill(3);
  return ledger;
});

/** Whatever is taken leads on from where the box stands, and is of this box and log. */
export const acknowledgementTarget: Target = {
  name: "acknowledgement",
  seeds: async () => {
    const ledger = await made;
    return [
      await ledger.acknowledgement({ box, from: [3, 5] }),
      await ledger.acknowledgement({ box, from: [3], above: 1, witnesses: [] }),
      await ledger.acknowledgement({ box, size: 2, eContentType: oids.statement }),
    ];
  },
  mutate: mutateFile,
  run: async (input) => {
    const ledger = await made;
    const policy = makePolicy({ ledger: ledger.rules(), version: 2 });
    const from = ledger.head(3);
    const wanted = { policy, genesis: box.genesis, from };
    const { acknowledgement, checkpoint } = await checkAcknowledgement(nodeHost, input, wanted);
    if (checkpoint.size < from.size || checkpoint.cosigners.length < 1)
      throw new Broken("a checkpoint that does not count");
    for (const one of acknowledgement.acknowledged) {
      if (one.digest !== digest || one.number > 2) throw new Broken("a manifest that the log does not hold");
    }
    return { number: acknowledgement.number, size: checkpoint.size };
  },
};

/** Whatever is read is written back to the same bytes. */
export const acknowledgementContentTarget: Target = {
  name: "acknowledgement-content",
  seeds: async () => {
    const ledger = await made;
    return [
      acknowledgementBytes(ledger.content({ box, from: [3, 5] })),
      acknowledgementBytes(ledger.content({ box, above: 2 })),
    ];
  },
  mutate: mutateJson,
  run: readAcknowledgement,
  after: (input, acknowledgement) => {
    if (!equal(acknowledgementBytes(acknowledgement as Acknowledgement), input)) throw new Broken("written otherwise");
  },
};
