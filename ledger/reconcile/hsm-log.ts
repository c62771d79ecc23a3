/** What an HSM counted by itself, in a form of ours (docs/formats.md, "hsm-signatures"): people fill it in from whatever their device gives, and say what that was. Pure. */

import { fromUtf8 } from "../../manifests/encoding/bytes.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import { hexText, integer, list, literal, object, type Read, text, utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";

const readCount = object({
  /** what is known otherwise of these signatures, by the word of who fills this in: a key's own proof, a certificate request */
  explained: list(object({ reason: text(200), signatures: integer(1) }), 0, 100),
  /** the count is of what was signed after this, and up to `to`, both when no batch was under way */
  from: utc,
  /** SHA-256 of the key's SubjectPublicKeyInfo */
  key: hexText(),
  signatures: integer(0),
  to: utc,
});
export type HsmCount = Read<typeof readCount>;

const readLog = object({
  counts: list(readCount, 1, 1000),
  /** device, and what was read from it */
  source: text(200),
  type: literal("hsm-signatures"),
  version: literal(1),
});
export type HsmLog = Read<typeof readLog>;

export const hsmLogLimit = 1 << 20;

/** Refuses JSON, SHAPE: also a range that ends before it begins, and ranges of one key that overlap. */
export function readHsmLog(bytes: Uint8Array): HsmLog {
  const log = readLog(readPlainJson(fromUtf8(bytes)), "log");
  const last = new Map<string, HsmCount>();
  for (const one of [...log.counts].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const before = last.get(one.key);
    if (one.to <= one.from || (before && one.from < before.to)) {
      const got = `${one.from} to ${one.to}`;
      throw new Refusal("SHAPE", "ranges of a key's counts end after they begin, and do not overlap", { got });
    }
    last.set(one.key, one);
  }
  return log;
}
