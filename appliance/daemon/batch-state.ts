/**
 * Where a batch is, as the daemon sees it, and what is to be done next. Pure: state, event, now in; new state out.
 * Nothing here is the record: it is rebuilt at each start from the spool and the signer.
 */

import type { Utc } from "../../manifests/encoding/shape.ts";
import type { BatchKind } from "../../manifests/records/batch-head.ts";
import type { Challenge } from "../../manifests/records/decision.ts";
import type { RefusalRecord } from "../../manifests/refusal.ts";
import type { SignerBatch } from "../client/signer-client.ts";
import { isBoxMatter, pause } from "./box-matters.ts";

/** What the request says of itself, for people. */
export interface About {
  readonly kind: BatchKind;
  /** null, as the purpose, of plain envelopes */
  readonly batch: string | null;
  readonly purpose: string | null;
  readonly mode: string;
  readonly expires: Utc;
  readonly count: number;
  readonly bytes: number;
  readonly submitter: string;
}

export interface ApprovalGiven {
  readonly person: string;
  readonly signed: Utc;
}

/** What goes out to the stick. */
export type Answer =
  | { readonly kind: "receipt"; readonly number: number; readonly of: "sealed" | "aborted" | "already" }
  | { readonly kind: "refusal"; readonly refusal: RefusalRecord }
  /** a rejection, or an abort before a number was used: the decision beside a refusal */
  | { readonly kind: "ending"; readonly as: "rejected" | "aborted" };

export type EndState = "released" | "refused" | "rejected" | "aborted";

export type Phase =
  /** in the spool, to be given to the signer */
  | { readonly at: "submitting" }
  | { readonly at: "approving" }
  /** enough people approved; the signer is to judge it */
  | { readonly at: "authorizing" }
  /** authorised; `begun` when the nonce is used and the manifest's number reserved */
  | { readonly at: "sealing"; readonly begun: boolean }
  | { readonly at: "answering"; readonly answer: Answer }
  | { readonly at: "ended"; readonly as: EndState };

/** Why the last attempt failed, and when the next one is due; null: only when a person asks for it. */
export interface Trouble {
  readonly refusal: RefusalRecord;
  readonly tries: number;
  readonly again: number | null;
}

export interface BatchState {
  /** the digest, or `folder/NAME` for what has none */
  readonly id: string;
  readonly folder: string;
  /** of the inbox folder that it was taken from; null when only the signer knows the batch */
  readonly fingerprint: string | null;
  readonly digest: string | null;
  /** whether its private copy is in the spool */
  readonly spooled: boolean;
  readonly about: About | null;
  readonly phase: Phase;
  /** order among batches: milliseconds when it came */
  readonly since: number;
  readonly challenge: Challenge | null;
  readonly approvals: readonly ApprovalGiven[];
  readonly needed: number | null;
  readonly number: number | null;
  readonly trouble: Trouble | null;
  /** something people must know until it goes on */
  readonly note: string | null;
  /** why it ended so, once it was refused, rejected or aborted */
  readonly refusal: RefusalRecord | null;
}

export type BatchEvent =
  /** the signer's challenge; `needed` people must approve it */
  | { readonly type: "challenged"; readonly challenge: Challenge; readonly needed: number }
  /** what the signer says of a batch it knows */
  | { readonly type: "known"; readonly record: SignerBatch; readonly challenge: Challenge; readonly needed: number }
  | { readonly type: "already"; readonly number: number }
  | { readonly type: "approved"; readonly approval: ApprovalGiven }
  | { readonly type: "withdrew"; readonly person: string }
  | { readonly type: "authorized" }
  /** who approved a batch that is authorised already */
  | { readonly type: "approvers"; readonly approvals: readonly ApprovalGiven[] }
  | { readonly type: "begun" }
  | { readonly type: "sealed"; readonly number: number; readonly outcome: "sealed" | "aborted" }
  | { readonly type: "rejected" }
  | { readonly type: "aborted"; readonly number: number | null }
  | { readonly type: "refused"; readonly refusal: RefusalRecord }
  /** the answer is given; `note`: what people must know of how */
  | { readonly type: "answered"; readonly note?: string }
  | { readonly type: "failed"; readonly refusal: RefusalRecord }
  /** what kept it waiting may be over, or a person asks for another attempt */
  | { readonly type: "again" };

/** A batch that came into the spool. */
export function taken(
  from: Pick<BatchState, "id" | "folder" | "fingerprint" | "digest" | "spooled" | "about" | "since">,
): BatchState {
  const nothing = {
    challenge: null,
    approvals: [],
    needed: null,
    number: null,
    trouble: null,
    note: null,
    refusal: null,
  };
  return { ...from, ...nothing, phase: { at: "submitting" } };
}

/** The state after an event. An event that comes too late (the batch ended, or is further) changes nothing. */
export function advance(state: BatchState, event: BatchEvent, now: number): BatchState {
  if (state.phase.at === "ended") return state;
  switch (event.type) {
    case "challenged":
      return challenged(renewed(state, event.challenge, now), event.challenge, event.needed);
    case "known":
      return known(going(state), event);
    case "approved":
      return approved(going(state), event.approval);
    case "withdrew":
      return state.phase.at === "approving" ? without(state, event.person) : state;
    case "authorized":
      return isOpen(state) ? { ...going(state), phase: { at: "sealing", begun: false } } : state;
    case "approvers":
      return state.phase.at === "sealing" ? { ...state, approvals: event.approvals } : state;
    case "begun":
      return state.phase.at === "sealing" ? { ...going(state), phase: { at: "sealing", begun: true } } : state;
    case "already":
      return answering({ ...state, number: event.number }, { kind: "receipt", number: event.number, of: "already" });
    case "sealed":
      return answeringOnce(
        { ...state, number: event.number },
        { kind: "receipt", number: event.number, of: event.outcome },
      );
    case "rejected":
      return answeringOnce(state, { kind: "ending", as: "rejected" });
    case "aborted":
      return aborted(state, event.number);
    case "refused":
      return answering(state, { kind: "refusal", refusal: event.refusal });
    case "answered":
      return state.phase.at === "answering"
        ? finished({ ...going(state), note: event.note ?? null }, state.phase.answer)
        : state;
    case "failed":
      return failed(state, event.refusal, now);
    case "again":
      return going(state);
  }
}

function going(state: BatchState): BatchState {
  return state.trouble === null ? state : { ...state, trouble: null };
}

function isOpen({ phase }: BatchState): boolean {
  return ["submitting", "approving", "authorizing"].includes(phase.at);
}

function challenged(state: BatchState, challenge: Challenge, needed: number): BatchState {
  if (state.phase.at === "answering" || (state.phase.at === "sealing" && state.phase.begun)) return state;
  if (state.challenge?.nonce === challenge.nonce) {
    return state.phase.at === "sealing" ? state : { ...state, needed, phase: collecting(state.approvals, needed) };
  }
  const lost = state.approvals.length > 0 || state.phase.at === "sealing";
  const note = lost ? "the challenge before this one ended: approvals must be given again" : state.note;
  return { ...state, challenge, needed, approvals: [], note, phase: { at: "approving" } };
}

function known(state: BatchState, { record, challenge, needed }: Extract<BatchEvent, { type: "known" }>): BatchState {
  const at = { ...state, number: record.number };
  switch (record.state) {
    case "challenged":
      return challenged(at, challenge, needed);
    case "authorized":
      return { ...at, challenge, needed, phase: { at: "sealing", begun: false } };
    case "sealing":
      return { ...at, challenge, needed, phase: { at: "sealing", begun: true } };
    case "rejected":
      return answeringOnce(at, { kind: "ending", as: "rejected" });
    case "sealed":
    case "aborted":
      if (record.number === null) return aborted(at, null);
      if (record.released)
        return { ...at, phase: { at: "ended", as: record.state === "sealed" ? "released" : "aborted" } };
      return answeringOnce(at, { kind: "receipt", number: record.number, of: record.state });
  }
}

function approved(state: BatchState, approval: ApprovalGiven): BatchState {
  if (state.phase.at !== "approving" || state.needed === null) return state;
  const approvals = [...state.approvals.filter(({ person }) => person !== approval.person), approval];
  return { ...state, approvals, note: null, phase: collecting(approvals, state.needed) };
}

/** A challenge that the daemon took for stale and the signer did not: the clocks disagree, so do not ask at once again. */
function renewed(state: BatchState, challenge: Challenge, now: number): BatchState {
  if (state.phase.at === "submitting" || state.challenge?.nonce !== challenge.nonce) return going(state);
  const refusal: RefusalRecord = { code: "CLOCK", message: "daemon and signer do not agree on the time" };
  const tries = state.trouble?.refusal.code === "CLOCK" ? state.trouble.tries + 1 : 1;
  return { ...state, trouble: { refusal, tries, again: now + pause(tries) } };
}

function collecting(approvals: readonly ApprovalGiven[], needed: number): Phase {
  return { at: approvals.length >= needed ? "authorizing" : "approving" };
}

function without(state: BatchState, person: string): BatchState {
  return { ...state, approvals: state.approvals.filter((one) => one.person !== person) };
}

function aborted(state: BatchState, number: number | null): BatchState {
  if (number === null) return answeringOnce(state, { kind: "ending", as: "aborted" });
  return answeringOnce({ ...state, number }, { kind: "receipt", number, of: "aborted" });
}

function answering(state: BatchState, answer: Answer): BatchState {
  return { ...state, phase: { at: "answering", answer }, trouble: null, note: null };
}

/** Two processes may tell the same end: the first is being answered. */
function answeringOnce(state: BatchState, answer: Answer): BatchState {
  return state.phase.at === "answering" ? state : answering(state, answer);
}

function finished(state: BatchState, answer: Answer): BatchState {
  switch (answer.kind) {
    case "refusal":
      return { ...state, phase: { at: "ended", as: "refused" }, refusal: answer.refusal };
    case "ending":
      return { ...state, phase: { at: "ended", as: answer.as } };
    case "receipt":
      return { ...state, phase: { at: "ended", as: answer.of === "aborted" ? "aborted" : "released" } };
  }
}

function failed(state: BatchState, refusal: RefusalRecord, now: number): BatchState {
  const tries = state.trouble?.refusal.code === refusal.code ? state.trouble.tries + 1 : 1;
  const trouble = { refusal, tries, again: now + pause(tries) };
  if (isBoxMatter(refusal.code)) return { ...state, trouble };
  switch (state.phase.at) {
    case "submitting":
    case "approving":
      return answering(state, { kind: "refusal", refusal });
    case "authorizing":
      // The signer does not count what the daemon counted: people must look, and approve anew or reject.
      return {
        ...state,
        approvals: [],
        trouble: null,
        note: `the signer refused the approvals (${refusal.code}: ${refusal.message}): they must be given again`,
        phase: { at: "approving" },
      };
    case "sealing":
      return { ...state, trouble };
    case "answering":
      return { ...state, trouble: { ...trouble, again: null } };
    case "ended":
      return state;
  }
}
