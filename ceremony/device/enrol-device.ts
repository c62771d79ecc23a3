/** `ceremony enrol-device`: the box's TPM gets an attestation key that is proven to live in it, and a record says so. */

import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { enrolDevice } from "../../hardware/tpm/enrol.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { syncFolder } from "../../host/durable.ts";
import { wrapped } from "../../host/terminal/table.ts";
import { deviceRecordBytes, endorserOf } from "../../manifests/attest/device-record.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Output } from "../ports.ts";

export interface EnrolOptions {
  readonly appliance: string;
  readonly to: string;
  /** device of the kernel's */
  readonly tpm: string;
  /** in its place: a Unix socket of swtpm's. SIMULATED */
  readonly socket?: string;
  readonly handle: number;
}

/** Asks the TPM, writes the record, a new file, durable, and shows its digest. Refuses TPM-GONE, TPM-FAULT, QUOTE-KEY, QUOTE-FORM; STORE where the record cannot be written. */
export async function enrolThisDevice(output: Output, options: EnrolOptions): Promise<void> {
  const { appliance, handle, socket, to, tpm } = options;
  const place = socket === undefined ? { device: tpm } : { socket };
  const record = await enrolDevice({ place, handle, appliance, now: utcOf(Date.now()) });
  const bytes = await deviceRecordBytes(nodeHost, record);
  await writeOnce(to, bytes);
  const digest = hex(sha256(bytes));
  const endorser = endorserOf(record);
  output.say(
    ...(socket === undefined ? [] : [output.style.warn("SIMULATED: a program in the place of a TPM")]),
    ...wrapped(
      `The TPM (${shown(record.manufacturer)}) took a secret out of a credential that only the TPM of its endorsement key can open, and only for the attestation key at ${hexHandle(handle)}.`,
    ),
    `Attestation key  ${record.ak.name}`,
    `Endorsement key  ${endorser === null ? "no certificate of its maker's is read here" : `certified by ${shown(endorser)}; its path was not looked at`}`,
    `Written          ${shown(to)}`,
    "",
    `The record's SHA-256, for paper: ${digest}`,
    ...wrapped(
      wordGroups(sha256(bytes))
        .map((words, at) => `${at + 1} ${words}`)
        .join("   "),
    ),
    "",
    ...wrapped(
      'Next: name it in signer.json (docs/operations.md, "Attestation"), and give it to whoever verifies: `coldseal verify … --device`.',
    ),
  );
  output.document({ digest, name: record.ak.name, written: to });
}

async function writeOnce(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(path, "wx", 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    const got = (cause as NodeJS.ErrnoException).code ?? "an error";
    throw new Refusal("STORE", "the record cannot be written", { expected: "a new file", got, about: path, cause });
  }
  await syncFolder(dirname(path));
}

function hexHandle(handle: number): string {
  return `0x${handle.toString(16)}`;
}
