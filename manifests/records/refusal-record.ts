/** The record of a refused batch: `refusal.p7m` signed by the audit key, or `refusal.json`, unsigned and marked so. */

import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import {
  anyObject,
  flag,
  hexText,
  integer,
  literal,
  nullable,
  object,
  type Read,
  text,
  utc,
} from "../encoding/shape.ts";

const readRefusalValue = object({
  appliance: text(64),
  created: utc,
  journal: object({ head: hexText(), sequence: integer(1) }),
  policyDigest: hexText(),
  /** what intake and the daemon found, in their words; the signer checked only that the digest names no batch with a manifest */
  reported: object({
    /** null where the request could not be read */
    batchDigest: nullable(hexText()),
    code: text(32, { pattern: /^[A-Z][A-Z-]*$/ }),
    details: anyObject,
    folder: text(64),
    message: text(2000),
  }),
  /** false in refusal.json: the HSM was locked */
  signed: flag,
  type: literal("refusal"),
  version: literal(1),
});

export type RefusalFile = Read<typeof readRefusalValue>;

export function readRefusalFile(content: Uint8Array): RefusalFile {
  return readRefusalValue(readCanonical(content), "refusal");
}

export function refusalFileBytes(record: RefusalFile): Uint8Array {
  const bytes = canonicalBytes(record as Json);
  readRefusalFile(bytes);
  return bytes;
}
