/** A batch as the daemon lists it: comfort, never proof. */

import { integer, list, nullable, oneOf, optional, type Read, text } from "../../manifests/encoding/shape.ts";
import { batchKinds } from "../../manifests/records/batch-head.ts";
import { isRefusalCode, type RefusalRecord } from "../../manifests/refusal.ts";
import { anyText, having } from "./answers.ts";

/** Where a batch is; the last four are ends. */
export const rowStates = [
  "copying",
  "waiting-for-documents",
  "waiting-for-approval",
  "waiting-for-unlock",
  "waiting",
  "sealing",
  "exporting",
  "released",
  "refused",
  "rejected",
  "aborted",
] as const;
export type RowState = (typeof rowStates)[number];

export const endStates: readonly RowState[] = ["released", "refused", "rejected", "aborted"];

const readProgress = having({
  bytes: integer(0),
  /** null until it was measured */
  bytesPerSecond: nullable(integer(0)),
  documents: integer(0),
  of: integer(0),
  ofBytes: integer(0),
  secondsLeft: nullable(integer(0)),
});
/** Work under way: documents and bytes done, and of how many. */
export type RowProgress = Read<typeof readProgress>;

/** A refusal as one process tells it of another's. */
export const readTold = having({
  about: optional(anyText),
  code: text(32),
  expected: optional(anyText),
  got: optional(anyText),
  message: anyText,
});

export const readBatchRow = having({
  approvals: list(having({ person: text(32), signed: text(32) }), 0, 64),
  batch: nullable(text(64)),
  batchDigest: nullable(text(64)),
  bytes: nullable(integer(0)),
  count: nullable(integer(0)),
  expires: nullable(text(32)),
  folder: anyText,
  /** missing while it is not known */
  kind: optional(oneOf(batchKinds)),
  mode: nullable(text(32)),
  needed: nullable(integer(1)),
  number: nullable(integer(1)),
  progress: nullable(readProgress),
  purpose: nullable(text(200)),
  refusal: nullable(readTold),
  state: oneOf(rowStates),
  submitter: nullable(text(500)),
  /** what it waits for, in words */
  waiting: anyText,
});

export type BatchRow = Omit<Read<typeof readBatchRow>, "refusal"> & { readonly refusal: RefusalRecord | null };

/** The refusal of a row, an unknown code as INTERNAL. */
export function rowRefusal(row: Read<typeof readBatchRow>): RefusalRecord | null {
  if (row.refusal === null) return null;
  const { code, ...rest } = row.refusal;
  return { ...rest, code: isRefusalCode(code) ? code : "INTERNAL" };
}
