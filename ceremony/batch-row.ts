/** A batch as the daemon lists it, read strictly enough to be shown: what the daemon says is comfort, never proof. */

import type { Json } from "../manifests/encoding/canonical-json.ts";
import { Refusal, type RefusalRecord } from "../manifests/refusal.ts";

export interface Approval {
  readonly person: string;
  readonly signed: string;
}

export interface WorkProgress {
  readonly documents: number;
  readonly of: number;
  readonly bytes: number;
  readonly ofBytes: number;
  readonly secondsLeft: number | null;
}

export interface BatchRow {
  readonly folder: string;
  readonly batchDigest: string | null;
  readonly batch: string | null;
  readonly state: string;
  readonly mode: string | null;
  readonly purpose: string | null;
  readonly count: number | null;
  readonly bytes: number | null;
  readonly submitter: string | null;
  readonly expires: string | null;
  readonly approvals: readonly Approval[];
  readonly needed: number | null;
  readonly number: number | null;
  readonly waiting: string | null;
  readonly progress: WorkProgress | null;
  readonly refusal: RefusalRecord | null;
}

/** States in which nothing more happens to a batch by itself. */
const ended = ["released", "refused", "rejected", "aborted"];

export function hasEnded(row: BatchRow): boolean {
  return ended.includes(row.state);
}

/** Reads a row; members that are missing or of another kind become null. Refuses with FRAME what is no row at all. */
export function batchRow(value: Json | undefined): BatchRow {
  const row = members(value);
  const folder = asText(row.folder);
  const state = asText(row.state);
  if (folder === null || state === null) throw new Refusal("FRAME", "the daemon's row of a batch cannot be read");
  return {
    folder,
    state,
    batchDigest: asText(row.batchDigest),
    batch: asText(row.batch),
    mode: asText(row.mode),
    purpose: asText(row.purpose),
    count: asNumber(row.count),
    bytes: asNumber(row.bytes),
    submitter: asText(row.submitter) ?? asText(members(row.submitter).name),
    expires: asText(row.expires),
    approvals: asList(row.approvals).map(approval),
    needed: asNumber(row.needed),
    number: asNumber(row.number),
    waiting: asText(row.waiting),
    progress: progress(row.progress),
    refusal: refusal(row.refusal),
  };
}

export function members(value: Json | undefined): { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { readonly [name: string]: Json })
    : {};
}

export function asText(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

export function asNumber(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}

export function asList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function approval(value: Json): Approval {
  const one = members(value);
  return { person: asText(one.person) ?? "?", signed: asText(one.signed) ?? "" };
}

function progress(value: Json | undefined): WorkProgress | null {
  const one = members(value);
  const [documents, of] = [asNumber(one.documents), asNumber(one.of)];
  if (documents === null || of === null) return null;
  const [bytes, ofBytes] = [asNumber(one.bytes) ?? 0, asNumber(one.ofBytes) ?? 0];
  return { documents, of, bytes, ofBytes, secondsLeft: asNumber(one.secondsLeft) };
}

function refusal(value: Json | undefined): RefusalRecord | null {
  const one = members(value);
  const [code, message] = [asText(one.code), asText(one.message)];
  return code === null || message === null ? null : Refusal.fromRecord({ code, message }).toRecord();
}
