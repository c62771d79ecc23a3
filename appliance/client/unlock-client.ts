/** The signer's unlock socket, as the ceremony CLI uses it. All refuse with UNREACHABLE, FRAME, and what the signer refuses. */

import { callOnce, promptly } from "../../host/wire.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { readFiles } from "../../manifests/encoding/file-stream.ts";
import {
  base64Bytes,
  flag,
  hexText,
  integer,
  list,
  nullable,
  oneOf,
  type Read,
  text,
  texts,
  utc,
} from "../../manifests/encoding/shape.ts";
import { keyPurposes } from "../../manifests/records/key-purpose.ts";
import { anyJson, having, readAnswer } from "./answers.ts";
import { collectFiles } from "./signer-client.ts";

const readUnlocked = having({ head: text(64), token: anyJson });

/** `head` says whether the token's head agreed with the store. */
export type Unlocked = Read<typeof readUnlocked>;

/** Unlocks the box. SECRET: the PIN goes only into the body; its bytes are the caller's to wipe. */
export async function unlock(path: string, pin: Uint8Array): Promise<Unlocked> {
  return readAnswer(readUnlocked, (await callOnce(path, "unlock", {}, { body: [pin] })).result, "unlock");
}

const readTaken = having({ digest: hexText(), number: integer(1), unstated: nullable(text(2000)) });

const readWrappedAnswer = having({ auditKeys: list(base64Bytes(1024), 1, 1000), wrapped: list(text(4096), 0, 4) });

/** What holders' shares open. */
export interface WrappedPins {
  /** records of wrapped PINs, canonical: none where no PIN was split, two while one is split anew */
  readonly wrapped: readonly Uint8Array[];
  /** DER SubjectPublicKeyInfo of the box's audit keys, one of which signed the shares */
  readonly auditKeys: readonly Uint8Array[];
}

export async function wrappedPins(path: string): Promise<WrappedPins> {
  const { auditKeys, wrapped } = readAnswer(readWrappedAnswer, (await callOnce(path, "wrapped", {})).result, "wrapped");
  return { auditKeys, wrapped: wrapped.map(utf8) };
}

const readKeyRow = having({
  /** subject, serial number, SHA-256; null while there is none */
  certificate: nullable(text(2000)),
  certified: flag,
  /** that it was in other hands, and since when; null where no order says so */
  compromise: nullable(having({ since: nullable(utc) })),
  inForce: flag,
  /** of its certificate */
  notAfter: nullable(utc),
  purpose: oneOf(keyPurposes),
  spki: base64Bytes(1024),
  state: oneOf(["usable", "suspended", "revoked", "destroyed"]),
  token: having({ environment: texts, module: text(4096), uri: text(1024) }),
  uri: text(1024),
});

/** A key of the box, as its signer knows it. */
export type KeyRow = Read<typeof readKeyRow>;

/** Every key of the box: in force, staged, or out of use. */
export async function boxKeys(path: string): Promise<readonly KeyRow[]> {
  const { result } = await callOnce(path, "keys", {});
  return readAnswer(having({ keys: list(readKeyRow, 2, 1000) }), result, "keys").keys;
}

const readStanding = having({
  appliance: text(64),
  arc: text(64),
  closing: nullable(hexText()),
  emergency: nullable(having({ digest: hexText() })),
  locked: flag,
  moved: flag,
  orders: having({ digest: nullable(hexText()), number: integer(0) }),
  policy: having({ digest: hexText(), number: integer(1) }),
  software: having({ digest: hexText(), version: text(64) }),
  suspended: anyJson,
});

/** How the box stands, for those who are to order it something. */
export type BoxStanding = Read<typeof readStanding>;

export async function boxStanding(path: string): Promise<BoxStanding> {
  return readAnswer(readStanding, await signerStatus(path), "status");
}

/** Locks the box and changes its token's PIN. SECRET: both go only into the body; their bytes are the caller's to wipe. */
export async function changePin(path: string, oldPin: Uint8Array, newPin: Uint8Array): Promise<void> {
  await callOnce(path, "change-pin", { oldLength: oldPin.length }, { body: [oldPin, newPin] });
}

/** Gives the box an order that officers signed. The statement is there once the box could sign one, else `unstated` says why not: give the same order again for it. */
export async function order(
  path: string,
  p7m: Uint8Array,
): Promise<Read<typeof readTaken> & { readonly statement: Uint8Array | undefined }> {
  const { result, body } = await callOnce(path, "order", {}, { body: [p7m] });
  const taken = readAnswer(readTaken, result, "order");
  return { ...taken, statement: taken.unstated === null ? body : undefined };
}

/** The closing record of the emergency that an order ended. Refuses EMERGENCY where there is none. */
export async function closingRecord(path: string, number: number): Promise<Uint8Array> {
  return (await callOnce(path, "closing", { number }, { maximumBody: 64 << 20 })).body;
}

/** What is kept of a box beside its batches, by path: `policies/policy-NNNN.p7m`, `orders/NNNN.p7m`, `statements/NNNN.p7m`, `closings/NNNN.p7m`. */
export async function boxExports(path: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const { body } = await callOnce(path, "exports", {}, { maximumBody: 64 << 20 });
  return collectFiles(readFiles(inOnePiece(body)));
}

async function* inOnePiece(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

const readMadeBy = having({
  audit: flag,
  batch: nullable(text(64)),
  batchDigest: hexText(),
  created: utc,
  /** whether it stands on a re-sealing list already */
  listed: flag,
  number: integer(1),
  outcome: oneOf(["sealed", "aborted"]),
  purpose: nullable(text(200)),
  sealed: integer(0),
  sealing: flag,
  submitter: text(500),
});

/** A manifest, and whether a key sealed for it or signed it. */
export type MadeBy = Read<typeof readMadeBy>;

/** Every manifest that a key (SHA-256 of its SubjectPublicKeyInfo, hex) sealed for or signed. */
export async function madeBy(path: string, key: string): Promise<readonly MadeBy[]> {
  const { body } = await callOnce(path, "made-by", { key }, { maximumBody: 256 << 20 });
  const lines = new TextDecoder().decode(body).split("\n").filter(Boolean);
  return lines.map((line) => readAnswer(readMadeBy, JSON.parse(line) as Json, "made-by"));
}

/** Gives the box its next policy; the number that is in force now. */
export async function importPolicy(path: string, p7m: Uint8Array): Promise<number> {
  const { result } = await callOnce(path, "import-policy", {}, { body: [p7m] });
  return readAnswer(having({ number: integer(1) }), result, "import-policy").number;
}

/** A transcript with the audit key's signature added. Refuses TRANSCRIPT, LOCKED, HSM codes. */
export async function countersign(path: string, p7m: Uint8Array): Promise<Uint8Array> {
  return (await callOnce(path, "countersign", {}, { body: [p7m], maximumBody: 64 << 20 })).body;
}

export async function lock(path: string): Promise<void> {
  await callOnce(path, "lock", {});
}

/** The signer's own words, as its `status` gives them. */
export async function signerStatus(path: string): Promise<Json> {
  return (await callOnce(path, "status", {}, { within: promptly })).result;
}

/** Rows of the journal as JSON lines. */
export async function journal(path: string, from: number, limit: number): Promise<Uint8Array> {
  return (await callOnce(path, "journal", { from, limit })).body;
}

/** Refuses with CHAIN, naming the row that does not hold. */
export async function verifyJournal(path: string): Promise<Json> {
  return (await callOnce(path, "verify-journal", {})).result;
}
