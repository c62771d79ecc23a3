/** The signer's unlock socket, as the ceremony CLI uses it. All refuse with UNREACHABLE, FRAME, and what the signer refuses. */

import { callOnce } from "../../host/wire.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { base64Bytes, nullable, type Read, text } from "../../manifests/encoding/shape.ts";
import { anyJson, having, readAnswer } from "./answers.ts";

const readUnlocked = having({ head: text(64), token: anyJson });

/** `head` says whether the token's head agreed with the store. */
export type Unlocked = Read<typeof readUnlocked>;

/** Unlocks the box. SECRET: the PIN goes only into the body; its bytes are the caller's to wipe. */
export async function unlock(path: string, pin: Uint8Array): Promise<Unlocked> {
  return readAnswer(readUnlocked, (await callOnce(path, "unlock", {}, { body: [pin] })).result, "unlock");
}

const readWrappedAnswer = having({ auditSpki: base64Bytes(1024), wrapped: nullable(text(4096)) });

/** The wrapped PIN's record, canonical, and the audit key (DER SubjectPublicKeyInfo) that signed the shares; undefined where no PIN was split. */
export async function wrappedPin(
  path: string,
): Promise<{ readonly wrapped: Uint8Array; readonly auditSpki: Uint8Array } | undefined> {
  const { auditSpki, wrapped } = readAnswer(readWrappedAnswer, (await callOnce(path, "wrapped", {})).result, "wrapped");
  return wrapped === null ? undefined : { auditSpki, wrapped: utf8(wrapped) };
}

export async function lock(path: string): Promise<void> {
  await callOnce(path, "lock", {});
}

/** The signer's own words, as its `status` gives them. */
export async function signerStatus(path: string): Promise<Json> {
  return (await callOnce(path, "status", {})).result;
}

/** Rows of the journal as JSON lines. */
export async function journal(path: string, from: number, limit: number): Promise<Uint8Array> {
  return (await callOnce(path, "journal", { from, limit })).body;
}

/** Refuses with CHAIN, naming the row that does not hold. */
export async function verifyJournal(path: string): Promise<Json> {
  return (await callOnce(path, "verify-journal", {})).result;
}
