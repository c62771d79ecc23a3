/** Batches and challenges for the tables of the daemon's pure parts. */

import type { SignerBatch } from "../../../appliance/client/signer-client.ts";
import { advance, type BatchEvent, type BatchState, taken } from "../../../appliance/daemon/batch-state.ts";
import type { Challenge } from "../../../manifests/records/decision.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";

export const digest = "ab".repeat(32);
export const policyDigest = "cd".repeat(32);
export const t0 = Date.parse("2026-11-23T12:00:00Z");
export const soon = "2026-11-23T12:10:00Z";
export const later = "2026-11-23T13:00:00Z";

export function challengeOf(nonce: string, change: Partial<Challenge> = {}): Challenge {
  return {
    appliance: "box-1",
    batchDigest: digest,
    bytes: 3000,
    count: 3,
    expires: later,
    mode: "test",
    nonce: nonce.repeat(32),
    policyDigest,
    type: "authorization",
    version: 1,
    ...change,
  };
}

export const about = {
  kind: "signed-request" as const,
  batch: "2026-contracts",
  purpose: "Q4",
  mode: "test",
  expires: later,
  count: 3,
  bytes: 3000,
  submitter: "CN=Contracts desk",
};

export function fresh(change: Partial<BatchState> = {}): BatchState {
  const from = {
    id: digest,
    folder: "contracts",
    fingerprint: "ef".repeat(32),
    digest,
    spooled: true,
    about,
    since: t0,
  };
  return { ...taken(from), ...change };
}

/** The state after events, all at one time. */
export function through(state: BatchState, ...events: readonly BatchEvent[]): BatchState {
  return events.reduce((at, event) => advance(at, event, t0), state);
}

export const challenged: BatchEvent = { type: "challenged", challenge: challengeOf("01"), needed: 2 };
export const approvedBy = (person: string): BatchEvent => ({ type: "approved", approval: { person, signed: soon } });
export const failedBy = (code: RefusalCode) =>
  ({ type: "failed", refusal: { code, message: "no" } }) satisfies BatchEvent;

export function record(change: Partial<SignerBatch>): SignerBatch {
  return {
    batch: about.batch,
    batchDigest: digest,
    bytes: 3000,
    challenge: "{}",
    count: 3,
    done: 0,
    earlierSeals: 0,
    expires: later,
    folder: "contracts",
    mode: "test",
    number: null,
    purpose: "Q4",
    released: false,
    state: "challenged",
    submitted: soon,
    submitter: { name: "CN=Contracts desk" },
    ...change,
  };
}

export function knownAs(change: Partial<SignerBatch>, nonce = "01"): BatchEvent {
  return { type: "known", record: record(change), challenge: challengeOf(nonce), needed: 2 };
}
