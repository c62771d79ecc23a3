/**
 * `keys.json` of the ledger's signer: which log it signs for, its two public keys, where each private key is held, and the private keys that are held in
 * this very file, sealed (docs/formats.md, "The ledger's keys"). It is written once.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { faultWords } from "../../host/fault-words.ts";
import { suiteNames } from "../../manifests/cms/suite.ts";
import { canonicalBytes, type Json, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { base64Bytes, literal, object, oneOf, type Read, text } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { readSealed, type SealedKeys } from "../keys/sealed-keys.ts";

/** Where a private key is: in this file, under a passphrase. */
const readHeld = oneOf(["file"]);

const readRecordShape = object({
  acknowledgement: object({ held: readHeld, spki: base64Bytes(1024), suite: oneOf(suiteNames) }),
  checkpoint: object({ held: readHeld, vkey: text(512) }),
  /** the log's name: what its checkpoints begin with, and the name of the key */
  origin: text(255),
  sealed: readSealed,
  type: literal("ledger-keys"),
  version: literal(1),
});
export type KeyRecord = Read<typeof readRecordShape>;

/** What stands in the open, and is bound to the sealed keys. */
export type OpenPart = Omit<KeyRecord, "sealed">;

export const keyFile = (folder: string) => join(folder, "keys.json");

/** The bytes that the sealed keys are bound to. */
export function openPartBytes({ acknowledgement, checkpoint, origin, type, version }: OpenPart): Uint8Array {
  const { held, spki, suite } = acknowledgement;
  return canonicalBytes({
    acknowledgement: { held, spki: spki.toBase64(), suite },
    checkpoint,
    origin,
    type,
    version,
  });
}

export function keyRecordBytes(open: OpenPart, { ciphertext, nonce, salt, scrypt }: SealedKeys): Uint8Array {
  const members = readCanonical(openPartBytes(open)) as { readonly [name: string]: Json };
  const sealed = { ciphertext: ciphertext.toBase64(), nonce: nonce.toBase64(), salt: salt.toBase64(), scrypt };
  return canonicalBytes({ ...members, sealed });
}

/** Reads `keys.json` in a folder. Refuses CONFIG what is not there or no such file. */
export function readKeyRecord(folder: string): KeyRecord {
  const path = keyFile(folder);
  try {
    return readRecordShape(readCanonical(new Uint8Array(readFileSync(path))), "keys.json");
  } catch (fault) {
    const missing = (fault as NodeJS.ErrnoException).code === "ENOENT";
    const { message } = asRefusal(fault, "CONFIG", missing ? "no keys were made yet" : faultWords(fault));
    throw new Refusal("CONFIG", `the signer's keys cannot be read: ${message}`, {
      expected: missing ? "keys that `coldseal ledger keys` made" : "keys.json as docs/formats.md has it",
      about: path,
      cause: fault,
    });
  }
}
