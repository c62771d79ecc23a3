/**
 * What a token of some maker does with a ledger's keys, as JSON lines `{"step": …, "outcome": …}`. Reads a `Tour` as JSON from standard input. A process of its own, because
 * modules of other makers read its environment and stay loaded.
 */

import { readFileSync, rmSync } from "node:fs";
import { initializeToken } from "../../../hardware/initialize.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { readKeyRecord } from "../../../ledger/signer/key-record.ts";
import { keyKinds } from "../../../ledger/signer/make-keys.ts";
import { signerMethods } from "../../../ledger/signer/methods.ts";
import { openSigner } from "../../../ledger/signer/open-signer.ts";
import { makeKeysOnToken } from "../../../ledger/signer/token/make-on-token.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { Tour } from "../../hardware/makers/maker.ts";
import { cheap, passphrase } from "../programs.ts";
import { history } from "../trees.ts";
import { newFolder } from "./a-signer.ts";
import { certify, signerIn } from "./on-token.ts";

const { environment, factorySoPin, module } = JSON.parse(readFileSync(0, "utf8")) as Tour;
const [pin, soPin] = [utf8("83614725"), utf8("27495163")];
const factory = factorySoPin === undefined ? {} : { factorySoPin: utf8(factorySoPin) };
const { uri } = await initializeToken({ environment, module }, { label: "ledger", pin, soPin, ...factory });
const askPin = async () => Uint8Array.from(pin);
const askPassphrase = async () => utf8(passphrase);
const tree = history();

for (const kind of keyKinds) {
  const folder = newFolder();
  try {
    print(kind, await madeAndUsed(folder, kind));
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    print(kind, fault.cause instanceof Refusal ? `${fault.code} because of ${fault.cause.code}` : fault.code);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Where the keys came to be held, once both have signed. */
async function madeAndUsed(folder: string, kind: (typeof keyKinds)[number]): Promise<string> {
  await makeKeysOnToken({
    askPassphrase,
    askPin,
    cost: cheap,
    folder: signerIn(folder),
    kind,
    organization: "Example",
    origin: `ledger.example.org/${kind}`,
    token: { environment, module, uri },
    usage: ownOids(documentationArc).acknowledging,
  });
  await certify(folder);
  const signer = await openSigner(signerIn(folder), documentationArc, askPassphrase, { askPin });
  try {
    const methods = signerMethods(signer);
    const call = (name: string, params: object) => methods[name]?.(params as never, undefined as never);
    await call("checkpoint", { from: 0, path: [], root: hex(tree.head(3).root), size: 3 });
    await call("acknowledgement", { digest: hex(sha256(Uint8Array.of(1))) });
  } finally {
    await signer.close();
  }
  const { acknowledgement, checkpoint } = readKeyRecord(signerIn(folder));
  return `checkpoints: ${checkpoint.held}, acknowledgements: ${acknowledgement.held}`;
}

function print(step: string, outcome: string): void {
  process.stdout.write(`${JSON.stringify({ step, outcome })}\n`);
}
