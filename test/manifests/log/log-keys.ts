/** Real Ed25519 keys of logs and witnesses, from names, and what they sign. */

import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { nodeHost } from "../../../host/crypto-host.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { type Checkpoint, checkpointText } from "../../../manifests/log/checkpoint.ts";
import { cosignatureMessage, joinCosignature } from "../../../manifests/log/cosignature.ts";
import { type NoteSignature, noteBytes } from "../../../manifests/log/note.ts";
import { type KeyType, type VerifierKey, verifierKey } from "../../../manifests/log/verifier-key.ts";

export interface LogKey {
  readonly vkey: VerifierKey;
  sign(message: Uint8Array): Uint8Array;
}

/** The same key each time for the same name and type: its seed is a digest of both. */
export async function logKey(name: string, type: KeyType = "ed25519"): Promise<LogKey> {
  const seed = createHash("sha256").update(`${type} ${name}`).digest();
  const front = Buffer.from("302e020100300506032b657004220420", "hex");
  const key = createPrivateKey({ key: Buffer.concat([front, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    vkey: await verifierKey(nodeHost, name, type, new Uint8Array(spki.subarray(-32))),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

export function logSignature({ sign, vkey: { id, name } }: LogKey, text: string): NoteSignature {
  return { name, id, signature: sign(utf8(text)) };
}

export function cosignature({ sign, vkey: { id, name } }: LogKey, text: string, time: number): NoteSignature {
  return { name, id, signature: joinCosignature(time, sign(cosignatureMessage(text, time))) };
}

/** A checkpoint as a log publishes it. */
export function signedCheckpoint(
  checkpoint: Checkpoint,
  log: LogKey,
  witnesses: readonly LogKey[] = [],
  time = 1_796_000_000,
): Uint8Array {
  const text = checkpointText(checkpoint);
  return noteBytes({
    text,
    signatures: [logSignature(log, text), ...witnesses.map((witness) => cosignature(witness, text, time))],
  });
}
