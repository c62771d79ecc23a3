/** The connected side of the demo, all by the real command line. SIMULATED: one machine is both sides, and the ledger's certificate comes from the made-up CA. */

import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Issuer } from "../ceremony/provision/certificate.ts";
import type { BoxPaths } from "../ceremony/provision/layout.ts";
import { certifyRequest } from "../ceremony/provision/test-pki.ts";
import { nodeHost } from "../host/crypto-host.ts";
import type { LedgerRules } from "../manifests/records/policy-ledger.ts";
import { verifyCertificateRequest } from "../manifests/x509/certificate-request.ts";
import { succeeded } from "./people.ts";
import { linesOf, runCommand } from "./run-command.ts";

const origin = "demo.coldseal.test/boxes";

export interface DemoLedger {
  readonly folder: string;
  /** file with what its keys are encrypted under */
  readonly passphrase: string;
  /** as the box's policy names it */
  readonly inPolicy: LedgerRules;
}

/** Makes a ledger and its keys in `DIR/connected`; the made-up CA certifies the one that acknowledges. */
export async function makeLedger(dir: string, root: Issuer): Promise<DemoLedger> {
  const side = join(dir, "connected");
  await mkdir(side, { mode: 0o700 });
  const at = { folder: join(side, "ledger"), passphrase: join(side, "passphrase") };
  await writeFile(at.passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
  await run(["init", at.folder, "--origin", origin]);
  const made = await runSigning(at, ["--json", "keys", at.folder, "--organization", "Coldseal TEST"]);
  const { request } = JSON.parse(made) as { readonly request: string };
  const asked = await verifyCertificateRequest(nodeHost, await readFile(request));
  const acknowledgement = certifyRequest(root, asked);
  const certificate = join(side, "acknowledgement.der");
  await writeFile(certificate, acknowledgement);
  const certified = await run(["--json", "keys", at.folder, "--certificate", certificate]);
  const { checkpoint } = JSON.parse(certified) as { readonly checkpoint: { readonly vkey: string } };
  const inPolicy = { acknowledgement, checkpointKey: checkpoint.vkey, cosignatures: 0, origin, witnesses: [] };
  return { ...at, inPolicy };
}

/** Pins the box, and takes in what it left on the stick that went back to the desk and on the keeper's. What the commands said. */
export async function bringIn({ folder }: DemoLedger, { genesis, keeper, pki, stick }: BoxPaths): Promise<string[]> {
  const enrolled = await run(["enrol", folder, "--ca", pki.root, "--genesis", genesis]);
  return [...linesOf(enrolled), ...linesOf(await run(["ingest", folder, stick, keeper]))];
}

/** Signs and publishes the log's checkpoint, and puts the acknowledgement onto the stick. */
export async function acknowledge(ledger: DemoLedger, { stick }: BoxPaths): Promise<string[]> {
  return linesOf(await runSigning(ledger, ["acknowledge", ledger.folder, stick]));
}

/** The auditor's question. */
export async function find({ folder }: DemoLedger, file: string): Promise<string[]> {
  return linesOf(await run(["find", folder, file]));
}

/** Writes the proof that a document's seal is in the log, which opens nothing of the other documents, and gives its path. */
export async function prove({ folder }: DemoLedger, bundle: string, document: number): Promise<string> {
  const proof = join(folder, "..", `document-${document}.log.json`);
  await run(["prove", folder, bundle, "--document", `${document}`, "--to", proof]);
  return proof;
}

async function run(args: readonly string[], secret?: Uint8Array): Promise<string> {
  const [flag, command] = args[0] === "--json" ? [["--json"], args.slice(1)] : [[], args];
  const ran = await runCommand("desk/main.ts", [...flag, "ledger", ...command], secret ? { secret } : {});
  return succeeded(ran, `coldseal ledger ${command[0]}`).stdout;
}

async function runSigning({ passphrase }: Pick<DemoLedger, "passphrase">, args: readonly string[]): Promise<string> {
  return run([...args, "--passphrase-fd", "3"], await readFile(passphrase));
}
