/** Shares of a wrapped PIN (docs/formats.md, "Shares"): what each holder keeps, signed by the box's audit key, and what they open together. */

import { checkSignature } from "../cms/signature.ts";
import { suiteForKey } from "../cms/suite-for-key.ts";
import { hex } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import {
  base64Bytes,
  hexText,
  integer,
  literal,
  object,
  oneOf,
  type Read,
  type Reader,
  text,
  utc,
} from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { asRefusal, Refusal } from "../refusal.ts";

/** What the secret opens: the box's token for operators, the token's SO PIN, or the token for recovery holders. */
export const splitPurposes = ["unlock", "so-pin", "recovery"] as const;
export type SplitPurpose = (typeof splitPurposes)[number];

const holderId = text(32, { pattern: /^[a-z][a-z0-9-]*$/ });

/** RSAES-PKCS1-v1_5 and AES-256-CBC in a CMS EnvelopedData, DER, to the holder's certificate for encryption. */
const readForCertificate = object({
  /** SHA-256 of the certificate */
  certificate: hexText(),
  envelope: base64Bytes(8192),
  kind: literal("certificate"),
});

/** AES-256-GCM under a key of scrypt (RFC 7914); the tag is the last 16 bytes. */
const readForPassphrase = object({
  ciphertext: base64Bytes(256),
  kind: literal("passphrase"),
  nonce: base64Bytes(12),
  salt: base64Bytes(32),
  scrypt: object({ N: integer(2, 1 << 22), p: integer(1, 16), r: integer(1, 32) }),
});

export type SealedPiece = Read<typeof readForCertificate> | Read<typeof readForPassphrase>;

const readSealedPiece: Reader<SealedPiece> = (value, path) =>
  (value as { kind?: Json } | null)?.kind === "certificate"
    ? readForCertificate(value, path)
    : readForPassphrase(value, path);

const readShareRecord = object({
  appliance: text(64),
  created: utc,
  holder: holderId,
  /** of `of`, from 1 */
  index: integer(1, 255),
  of: integer(2, 255),
  /** SHA-256 of the piece: what it opens to is known to be right without the others */
  pieceDigest: hexText(),
  purpose: oneOf(splitPurposes),
  sealed: readSealedPiece,
  /** random; all shares that belong together have it */
  split: hexText(16),
  /** pieces that open the wrapped PIN */
  threshold: integer(2, 255),
  /** serial of the token */
  token: text(64),
  type: literal("share"),
  version: literal(1),
  /** SHA-256 of the wrapped PIN's record */
  wrapped: hexText(),
});

export type ShareRecord = Read<typeof readShareRecord>;

const readSignedShare = object({
  record: readShareRecord,
  signature: base64Bytes(1024),
  type: literal("signed-share"),
  version: literal(1),
});

const readWrappedPin = object({
  appliance: text(64),
  /** AES-256-GCM; the tag is the last 16 bytes; additional data: `wrappedContext` */
  ciphertext: base64Bytes(512),
  created: utc,
  nonce: base64Bytes(12),
  purpose: oneOf(splitPurposes),
  split: hexText(16),
  token: text(64),
  type: literal("wrapped-pin"),
  version: literal(1),
});

export type WrappedPin = Read<typeof readWrappedPin>;

/** Canonical bytes of a share's record: what the audit key signs. */
export function shareRecordBytes(record: ShareRecord): Uint8Array {
  return canonicalBytes(recordJson(record));
}

/** The file that a holder keeps. */
export function signedShareBytes(record: ShareRecord, signature: Uint8Array): Uint8Array {
  return canonicalBytes({
    record: recordJson(record),
    signature: signature.toBase64(),
    type: "signed-share",
    version: 1,
  });
}

/**
 * Reads a share and checks that an audit key of the box signed it: one of these, DER SubjectPublicKeyInfo. Refuses
 * SHARE-CHANGED when it cannot be read or no signature holds.
 */
export async function verifyShare(
  host: Host,
  file: Uint8Array,
  auditKeys: readonly Uint8Array[],
): Promise<ShareRecord> {
  const { record, signature } = readFile(file);
  await checkSignedByOne(host, record, signature, auditKeys);
  if (record.index > record.of || record.threshold > record.of) {
    throw changed("the share's numbers do not fit together", shareName(record));
  }
  return record;
}

async function checkSignedByOne(
  host: Host,
  record: ShareRecord,
  signature: Uint8Array,
  auditKeys: readonly Uint8Array[],
): Promise<void> {
  let last: unknown;
  for (const spki of auditKeys) {
    try {
      const suite = suiteForKey(spki, "sha256");
      return await checkSignature(host, { suite, spki, message: shareRecordBytes(record), signature });
    } catch (fault) {
      last = fault;
    }
  }
  throw changed(`the share of ${record.holder} was not signed by this box's audit key`, shareName(record), last);
}

/** What people call a share: `share 2 of 3, op2's`. */
export function shareName({ index, of, holder }: Pick<ShareRecord, "index" | "of" | "holder">): string {
  return `share ${index} of ${of}, ${holder}'s`;
}

/** Refuses SHARE-FOREIGN when the share is another box's, token's, purpose's or split's than the wrapped PIN. */
export function checkBelongs(record: ShareRecord, wrapped: WrappedPin, wrappedDigest: string): void {
  for (const member of ["appliance", "token", "purpose", "split"] as const) {
    if (record[member] === wrapped[member]) continue;
    throw new Refusal("SHARE-FOREIGN", `${shareName(record)}, is of another ${member}`, {
      expected: wrapped[member],
      got: record[member],
      about: shareName(record),
    });
  }
  if (record.wrapped !== wrappedDigest) {
    throw new Refusal("SHARE-FOREIGN", `${shareName(record)}, is of another wrapped PIN`, {
      expected: wrappedDigest,
      got: record.wrapped,
      about: shareName(record),
    });
  }
}

/** Refuses SHARE-CHANGED when the piece that a share opened to is not the one that was signed for. */
export async function checkPiece(host: Host, record: ShareRecord, piece: Uint8Array): Promise<void> {
  const digest = hex(await host.digest("sha256", piece));
  if (digest !== record.pieceDigest) throw changed(`${shareName(record)}, opens to another piece`, shareName(record));
}

/** Refuses SHARE-TWICE when a holder or an index comes twice, SHARE-SHORT when there are fewer than the threshold. */
export function checkEnough(records: readonly ShareRecord[]): void {
  for (const [at, one] of records.entries()) {
    const twin = records.slice(0, at).find(({ index, holder }) => index === one.index || holder === one.holder);
    if (!twin) continue;
    throw new Refusal("SHARE-TWICE", "one holder's share counts once", {
      expected: "shares of different holders",
      got: `${shareName(twin)} and ${shareName(one)}`,
      about: shareName(one),
    });
  }
  const [first] = records;
  if (first && records.length >= first.threshold) return;
  throw new Refusal("SHARE-SHORT", "too few shares", {
    expected: first ? `${first.threshold} of ${first.of}` : "shares",
    got: `${records.length}`,
  });
}

export function wrappedPinBytes(wrapped: WrappedPin): Uint8Array {
  return canonicalBytes({
    ...wrapped,
    ciphertext: wrapped.ciphertext.toBase64(),
    nonce: wrapped.nonce.toBase64(),
  });
}

/** Reads a wrapped PIN. Refuses JSON, SHAPE. */
export function readWrapped(bytes: Uint8Array): WrappedPin {
  return readWrappedPin(readCanonical(bytes), "wrapped PIN");
}

/** Additional data of the wrapping: the PIN opens for this box, token, purpose and split alone. */
export function wrappedContext(of: Pick<WrappedPin, "appliance" | "purpose" | "split" | "token">): Uint8Array {
  const { appliance, purpose, split, token } = of;
  return canonicalBytes({ appliance, purpose, split, token });
}

function readFile(file: Uint8Array): Read<typeof readSignedShare> {
  try {
    return readSignedShare(readCanonical(file), "share");
  } catch (fault) {
    const { message } = asRefusal(fault, "SHARE-CHANGED", "the file is no share");
    throw changed(`the file is no share as this box writes them: ${message}`, "the file", fault);
  }
}

function recordJson(record: ShareRecord): { readonly [name: string]: Json } {
  return { ...record, sealed: sealedJson(record.sealed) };
}

function sealedJson(sealed: SealedPiece): Json {
  if (sealed.kind === "certificate") return { ...sealed, envelope: sealed.envelope.toBase64() };
  const { ciphertext, nonce, salt } = sealed;
  return { ...sealed, ciphertext: ciphertext.toBase64(), nonce: nonce.toBase64(), salt: salt.toBase64() };
}

function changed(message: string, about: string, cause?: unknown): Refusal {
  return new Refusal("SHARE-CHANGED", message, { about, ...(cause === undefined ? {} : { cause }) });
}
