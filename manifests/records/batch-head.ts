/** What a batch says of itself without its list: a submitter's request, or what stands for one where plain envelopes came. */

import { literal, object, oneOf, type Read, type Reader, utc } from "../encoding/shape.ts";
import { hashNames, modes, type RequestHead, readRequestHead } from "./request.ts";

export const batchKinds = ["signed-request", "plain-envelopes"] as const;
/** Whether the submitter signed one request for all documents, or each document in an envelope of its own. */
export type BatchKind = (typeof batchKinds)[number];

/** Nobody signed it: `expires` follows from the oldest signing-time and the policy, `mode` from the policy alone. */
export const readPlainHead = object({
  digestAlgorithm: oneOf(hashNames),
  expires: utc,
  mode: oneOf(modes),
  type: literal("plain-envelopes"),
  version: literal(1),
});
export type PlainHead = Read<typeof readPlainHead>;

export type BatchHead = RequestHead | PlainHead;

/** Refuses with SHAPE what is neither. */
export const readBatchHead: Reader<BatchHead> = (value, path) => {
  const isPlain = typeof value === "object" && value !== null && "type" in value && value.type === "plain-envelopes";
  return isPlain ? readPlainHead(value, path) : readRequestHead(value, path);
};

export function kindOfHead(head: BatchHead): BatchKind {
  return head.type === "plain-envelopes" ? "plain-envelopes" : "signed-request";
}

/** The submitter's id of the batch; plain envelopes have none, which SEAL-ONCE knows as the empty one. */
export function batchIdOf(head: BatchHead): string {
  return head.type === "plain-envelopes" ? "" : head.batch;
}
