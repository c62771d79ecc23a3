/** The batch request: what a submitter asks to have sealed (docs/formats.md, "batch.p7m"). */

import { hashBytes } from "../cms/suite.ts";
import { hexText, integer, literal, object, oneOf, type Read, text, utc } from "../encoding/shape.ts";

export const modes = ["test", "offline", "emergency"] as const;
export type Mode = (typeof modes)[number];

export const hashNames = ["sha256", "sha384", "sha512"] as const;

/** A document's digest; that its length is the one of the request's `digestAlgorithm` is checked by the reader of the list. */
export const readDocumentDigest = hexText(...Object.values(hashBytes));

/** One document of the list. */
export const readListedDocument = object({
  digest: readDocumentDigest,
  name: text(255),
  size: integer(0),
});
export type ListedDocument = Read<typeof readListedDocument>;

const batchId = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Whether a request may have this batch id. */
export function isBatchId(text: string): boolean {
  return text.length <= 64 && batchId.test(text);
}

/** The request without its list, which can be long and is read as a stream (`request-stream.ts`). */
export const readRequestHead = object({
  batch: text(64, { pattern: batchId }),
  digestAlgorithm: oneOf(hashNames),
  expires: utc,
  mode: oneOf(modes),
  purpose: text(200),
  type: literal("batch-request"),
  version: literal(1),
});
export type RequestHead = Read<typeof readRequestHead>;
