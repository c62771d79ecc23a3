/** Wires `coldseal ledger witness …`: a witness of one's own, which belongs on another machine, and in other hands, than the ledger. */

import type { AddressInfo } from "node:net";
import { nodeHost } from "../../host/crypto-host.ts";
import { stopSignal } from "../../host/stop-signal.ts";
import { readLogTrust } from "../../manifests/log/log-trust.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { askNewPassphrase, askPassphrase } from "../keys/passphrase.ts";
import { moveForward } from "../signed-heads/forward.ts";
import { readAddCheckpoint } from "../witness/add-checkpoint.ts";
import { serveWitness } from "../witness/server.ts";
import { makeWitness, openParts, openWitness } from "../witness/witness-folder.ts";
import { checkpointBytes } from "./file-bytes.ts";
import { agreedToForward } from "./forward-words.ts";

export interface WitnessMakeOptions {
  readonly counter?: string;
  readonly host: string;
  readonly json?: boolean;
  readonly log: readonly string[];
  readonly name: string;
  readonly passphraseFd?: number;
  readonly port: number;
}

/** Refuses USAGE a log that is no verifier key. */
export async function runWitnessMake(folder: string, options: WitnessMakeOptions): Promise<void> {
  const { counter, host, json, log, name, passphraseFd, port } = options;
  // Before anybody types.
  for (const one of log) await readLogTrust(nodeHost, { log: one });
  const passphrase = await askNewPassphrase(passphraseFd, `the key of witness ${name}`);
  const where = counter === undefined ? {} : { counter };
  const vkey = await makeWitness({ folder, listen: { host, port }, logs: log, name, passphrase, ...where }).finally(
    () => passphrase.fill(0),
  );
  process.stdout.write(json ? `${JSON.stringify({ folder, vkey })}\n` : `${vkey}\n`);
}

/** Serves until SIGTERM or Ctrl-C; says where on standard output, once it does. */
export async function runWitness(
  folder: string,
  { json, passphraseFd }: { readonly json?: boolean; readonly passphraseFd?: number },
): Promise<void> {
  process.umask(0o077);
  const { listen, witness } = await openWitness(folder, (what) => askPassphrase(passphraseFd, what));
  const server = await serveWitness(witness, listen);
  const { address, port } = server.address() as AddressInfo;
  const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  process.stdout.write(json ? `${JSON.stringify({ url })}\n` : `witness ${witness.vkey.name} serves at ${url}\n`);
  for (const { name } of witness.logs) {
    const { size, stopped } = witness.heads.head(name);
    const state = stopped === null ? `from size ${size}` : `STOPPED: ${stopped}`;
    process.stderr.write(`${shown(name)}: ${state}\n`);
  }
  await stopSignal();
  server.close();
  server.closeAllConnections();
  witness.heads.close();
}

/** `file` holds the newest checkpoint, or a request to cosign it, which also shows that it follows the state. */
export async function runWitnessForward(
  folder: string,
  file: string,
  options: { readonly json?: boolean },
): Promise<void> {
  const bytes = checkpointBytes(file);
  const brought =
    bytes.subarray(0, 4).toString() === "old " ? readAddCheckpoint(bytes) : { checkpoint: bytes, path: [] };
  const origin = Buffer.from(brought.checkpoint).toString().split("\n", 1)[0] ?? "";
  const { heads, logs, vkey } = await openParts(folder);
  try {
    const log = logs.find(({ name }) => name === origin);
    if (!log) throw new Refusal("LOG-NOTE", "the witness watches no such log", { got: shown(origin), about: folder });
    const agree = agreedToForward.bind(undefined, `Witness ${vkey.name}`, origin);
    const { size } = await moveForward({ agree, heads, log, own: vkey }, brought);
    const done = { log: origin, size, witness: vkey.name };
    process.stdout.write(options.json ? `${JSON.stringify(done)}\n` : `moved forward to size ${size} of ${origin}\n`);
  } finally {
    heads.close();
  }
}
