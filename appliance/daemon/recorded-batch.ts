/** Batches as the signer's record has them, also those that the daemon's own list let go: an answer can be exported for ever. */

import type { SignerBatch } from "../client/signer-client.ts";
import { type BatchState, taken } from "./batch-state.ts";
import { findBatch, isMeant } from "./find-batch.ts";
import type { Parts } from "./parts.ts";

/** Records asked for at a time. */
const page = 200;
/** Batches of one name that are told apart by their numbers; more are not gathered. */
const mostMeant = 10;

/** The batch that a person means. Refuses as `findBatch`, and UNREACHABLE. */
export async function findKnown(parts: Parts, name: string): Promise<BatchState> {
  return (await forgottenBatch(parts, name)) ?? findBatch(parts.book.batches, name);
}

/** The ended batch that a person means, where the daemon's list has none of that name. Refuses with UNREACHABLE, USAGE. */
export async function forgottenBatch(parts: Parts, name: string): Promise<BatchState | undefined> {
  if (parts.book.batches.some((one) => isMeant(one, name))) return undefined;
  return recordedBatch(parts, name);
}

/** The batch whose answer a person wants: a refusal of the same name does not stand in the way of what was sealed. Refuses as `findKnown`. */
export async function findExportable(parts: Parts, name: string): Promise<BatchState> {
  const batches = parts.book.batches.filter(({ phase }) => phase.at !== "ended" || phase.as !== "refused");
  if (batches.some((one) => isMeant(one, name))) return findBatch(batches, name);
  return (await recordedBatch(parts, name)) ?? findBatch(parts.book.batches, name);
}

/**
 * The ended batch that a person means, from the whole of the signer's record, a page at a time; undefined where it has none.
 * Refuses with USAGE where several are meant, UNREACHABLE.
 */
async function recordedBatch({ signer }: Pick<Parts, "signer">, name: string): Promise<BatchState | undefined> {
  // Of several records with one digest the newest counts; it comes first.
  const meant = new Map<string, BatchState>();
  for (let before: number | undefined; meant.size < mostMeant; ) {
    const records = await signer.batches(page, before);
    for (const record of records) {
      if (isOpen(record) || meant.has(record.batchDigest)) continue;
      const state = endedState(record);
      if (isMeant(state, name)) meant.set(record.batchDigest, state);
    }
    before = records.at(-1)?.id;
    if (records.length < page || before === undefined) break;
  }
  return meant.size === 0 ? undefined : findBatch([...meant.values()], name);
}

/** Whether something is still to be done: not ended, or a manifest that was not released. */
export function isOpen({ state, number, released }: SignerBatch): boolean {
  if (state === "sealed" || state === "aborted") return number !== null && !released;
  return state !== "rejected";
}

/** Rejected or aborted, and no copy left: it was answered. */
export function endedWithoutNumber(state: BatchState, record: SignerBatch): BatchState {
  return { ...state, phase: { at: "ended", as: record.state === "rejected" ? "rejected" : "aborted" } };
}

function endedState(record: SignerBatch): BatchState {
  const state = unspooled(record);
  if (record.number === null) return endedWithoutNumber(state, record);
  const as = record.state === "aborted" ? "aborted" : "released";
  return { ...state, number: record.number, phase: { at: "ended", as } };
}

/** A batch of which the box has no copy, or none that it needs. */
export function unspooled(record: SignerBatch): BatchState {
  const {
    batch,
    batchDigest,
    bytes,
    count,
    expires,
    folder,
    kind = "signed-request",
    mode,
    purpose,
    submitter,
    submitted,
  } = record;
  return taken({
    id: batchDigest,
    folder,
    fingerprint: null,
    digest: batchDigest,
    spooled: false,
    about: { kind, batch, purpose, mode, expires, count, bytes, submitter: submitter.name },
    since: Date.parse(submitted),
  });
}
