/** Open: the last close is presented, its bags are compared, and the box says what its record holds since. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { countersign } from "../../../appliance/client/unlock-client.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { list, object, text } from "../../../manifests/encoding/shape.ts";
import { type Statement, verifyStatement } from "../../../manifests/records/statement.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, pathIn, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { readTranscriptFile, transcriptName } from "../../engine/records-folder.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { bagsFound, bagsStep } from "./bags.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, type RunningBox, runningBox, runningMembers } from "./running-box.ts";

const readValue = object({
  ...runningMembers,
  /** what was bagged or sealed at the close */
  bags: list(text(100), 0, 64),
  /** name of the record of the close: ARCHIVE-close */
  close: text(100, { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*-close$/ }),
  /** path of the statement of the close, from the medium that was kept apart from the box */
  closing: text(4096),
});

interface Presented {
  readonly statement: Statement;
  /** hex */
  readonly digest: string;
}

/** Refuses CEREMONY-FILE, CONFIG. */
export function open(file: CeremonyFile): Procedure {
  const { bags, close, closing, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  const present = () => presented(running, pathIn(file, closing));
  return aboutRunningBox(running, {
    name: "open",
    purpose: "To open a closed box: the last close is presented, so that nothing between can hide.",
    steps: [
      beforeStep(running),
      presentStep(present),
      bagsStep(bags, async (item) => numberAt((await present()).statement, item), [
        "The witness reads the number on each bag or seal before it is opened, and types it; it must be the one of the close.",
      ]),
      peopleStep(["before"]),
      orderStep(running, {
        kind: "open",
        title: "Order the box to open",
        script: ["The order names the close by its digest. The box refuses every other close than its last."],
        wayBack:
          "Fetch the statement of the last close; if the box remembers another one, stop: an old disk was restored.",
        needs: ["before", "present", "people", "bags"],
        what: (stage) => ({
          bags: bagsFound(stage, bags).map((bag) => ({ ...bag })),
          closing: stage.facts("present").digest ?? "",
        }),
      }),
      statementStep(running),
      countersignStep(running, close),
    ],
  });
}

function presentStep(present: () => Promise<Presented>): Step {
  return {
    id: "present",
    title: "Present the last close",
    acts: "a witness",
    checks: "the administrator",
    minutes: 3,
    script: ["The witness types two groups of the digest of the close from the paper that was kept since."],
    wayBack: "Fetch the right statement, or the right paper.",
    needs: ["before"],
    perform: async (stage) => {
      const { statement, digest } = await present();
      const witness = witnessOf(stage);
      const label = `statement on order ${statement.order.number}: close`;
      await stage.scene.compare(witness, label, digest);
      return {
        people: [witness, leaderOf(stage.file, stage.present())],
        facts: { counter: `${statement.counter}`, digest, "journal row": `${statement.journal.sequence}` },
        shown: [{ label, digest, confirmedBy: [witness] }],
      };
    },
  };
}

/** The close's transcript could not be signed by a box that was closed: it is now. */
function countersignStep({ box, socket, stick }: RunningBox, record: string): Step {
  return {
    id: "countersign",
    title: "The audit key signs the transcript of the close",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: ["What people signed at the close gets the signature of the audit key, too."],
    wayBack: "Try again; it may be left out.",
    needs: ["statement"],
    mayBeSkipped: true,
    perform: async (stage) => {
      const folder = join(box.layout.records, record);
      const signed = readTranscriptFile(folder);
      if (!signed) {
        throw new Refusal("CEREMONY-STEP", "the close has no signed transcript", {
          expected: join(folder, transcriptName),
        });
      }
      const both = await countersign(socket, signed);
      await writeDurable(join(folder, transcriptName), both);
      await makeFolder(join(stick, "coldseal/transcripts"), 0o755);
      await writeDurable(join(stick, "coldseal/transcripts", `${record}.p7m`), both);
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { transcript: record, "SHA-256 of the file": hex(sha256(both)) },
      };
    },
  };
}

/** Refuses CEREMONY-STEP, CMS codes, CHAIN when another box stated it. */
async function presented({ box }: RunningBox, path: string): Promise<Presented> {
  if (!existsSync(path)) {
    throw new Refusal("CEREMONY-STEP", "the statement of the close is not there", { expected: path });
  }
  const { statement, digest } = await verifyStatement(nodeHost, ownOids(box.arc), readFileSync(path));
  const known = statement.appliance === box.appliance && statement.order.kind === "close";
  if (known) return { statement, digest: hex(digest) };
  throw new Refusal("CHAIN", "this is no statement of a close of this box", {
    expected: `close, ${box.appliance}`,
    got: `${statement.order.kind}, ${statement.appliance}`,
  });
}

function numberAt({ facts }: Statement, item: string): string | undefined {
  const found = (facts.bags ?? "").split("; ").find((one) => one.startsWith(`item ${item}, number `));
  return found?.slice(`item ${item}, number `.length);
}
