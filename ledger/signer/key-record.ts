/**
 * `keys.json` of the ledger's signer: which log it signs for, its two public keys, where each private key is held, and the private keys that are held in
 * this very file, sealed (docs/formats.md, "The ledger's keys"). It is written once. Version 2 where a key is on a token, else 1.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { faultWords } from "../../host/fault-words.ts";
import { suiteNames } from "../../manifests/cms/suite.ts";
import { canonicalBytes, type Json, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import {
  base64Bytes,
  integer,
  literal,
  object,
  oneOf,
  optional,
  type Read,
  text,
} from "../../manifests/encoding/shape.ts";
import { ed25519Spki } from "../../manifests/log/ed25519-point.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { readSealed, type SealedKeys } from "../keys/sealed-keys.ts";

/** Where a private key may be: in this file, under a passphrase; on the PKCS#11 token of `token.json`, as its `uri` names it. */
export const keyPlaces = ["file", "token"] as const;
export type KeyPlace = (typeof keyPlaces)[number];

const heldMembers = { held: oneOf(keyPlaces), uri: optional(text(1024)) };

const readRecordShape = object({
  acknowledgement: object({ ...heldMembers, spki: base64Bytes(1024), suite: oneOf(suiteNames) }),
  checkpoint: object({ ...heldMembers, vkey: text(512) }),
  /** the log's name: what its checkpoints begin with, and the name of the key */
  origin: text(255),
  /** of the keys that are in the file, where there are any */
  sealed: optional(readSealed),
  type: literal("ledger-keys"),
  version: integer(1, 2),
});
export type KeyRecord = Read<typeof readRecordShape>;

/** What stands in the open, and is bound to the sealed keys. */
export type OpenPart = Omit<KeyRecord, "sealed">;

export const keyFile = (folder: string) => join(folder, "keys.json");

/** The names of the keys, in the order in which those in the file are sealed. */
export const keyNames = ["checkpoint", "acknowledgement"] as const;
export type KeyName = (typeof keyNames)[number];

/** The keys that are held in a place. */
export function heldIn(record: OpenPart, place: KeyPlace): readonly KeyName[] {
  return keyNames.filter((name) => record[name].held === place);
}

/** SubjectPublicKeyInfo of each key; `vkey` is the record's, as read. */
export function spkisOf({ acknowledgement }: OpenPart, vkey: VerifierKey): Readonly<Record<KeyName, Uint8Array>> {
  return { acknowledgement: acknowledgement.spki, checkpoint: ed25519Spki(vkey.key) };
}

/** The bytes that the sealed keys are bound to. */
export function openPartBytes({ acknowledgement, checkpoint, origin, type, version }: OpenPart): Uint8Array {
  const { spki, suite } = acknowledgement;
  return canonicalBytes({
    acknowledgement: { ...heldOf(acknowledgement), spki: spki.toBase64(), suite },
    checkpoint: { ...heldOf(checkpoint), vkey: checkpoint.vkey },
    origin,
    type,
    version,
  });
}

function heldOf({ held, uri }: { readonly held: KeyPlace; readonly uri?: string | undefined }) {
  return uri === undefined ? { held } : { held, uri };
}

export function keyRecordBytes(open: OpenPart, keys: SealedKeys | undefined): Uint8Array {
  const members = readCanonical(openPartBytes(open)) as { readonly [name: string]: Json };
  if (keys === undefined) return canonicalBytes(members);
  const { ciphertext, nonce, salt, scrypt } = keys;
  const sealed = { ciphertext: ciphertext.toBase64(), nonce: nonce.toBase64(), salt: salt.toBase64(), scrypt };
  return canonicalBytes({ ...members, sealed });
}

/** Reads `keys.json` in a folder. Refuses CONFIG what is not there or no such file. */
export function readKeyRecord(folder: string): KeyRecord {
  const path = keyFile(folder);
  try {
    return consistent(readRecordShape(readCanonical(new Uint8Array(readFileSync(path))), "keys.json"));
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

/** A key on a token has its URI, one in the file none; keys are sealed where there are any in the file; the version says whether one is on a token. */
function consistent(record: KeyRecord): KeyRecord {
  const onToken = heldIn(record, "token");
  const named = keyNames.filter((name) => record[name].uri !== undefined);
  if (onToken.join() !== named.join()) throw new Refusal("SHAPE", "a key on a token has a URI, and no other");
  if ((record.sealed !== undefined) !== onToken.length < keyNames.length) {
    throw new Refusal("SHAPE", "keys are sealed in the file where it holds any, and only there");
  }
  if (record.version !== (onToken.length > 0 ? 2 : 1)) {
    throw new Refusal("SHAPE", "version 2 is where a key is on a token, and 1 where none is");
  }
  return record;
}
