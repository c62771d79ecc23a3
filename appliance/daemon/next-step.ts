/** What is to be done next for a batch, and which batch is sealed next. Pure. */

import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import type { RefusalRecord } from "../../manifests/refusal.ts";
import type { BatchState } from "./batch-state.ts";
import { stillWaits } from "./box-matters.ts";
import type { BoxView } from "./box-view.ts";

export type Step = "give-up" | "submit" | "authorize" | "seal" | "answer";

/** What the clock and the signer say when the next step is chosen. */
export interface Moment {
  readonly now: number;
  readonly utc: Utc;
  /** hex; null while it is not known */
  readonly policyDigest: string | null;
  /** hex, of the order that declared the emergency that is open; null where none is */
  readonly emergency?: string | null;
  /** how long a batch's documents stay here that nobody decides on (the policy's `retention`); null: for as long as its challenges can be renewed */
  readonly undecidedHours?: number | null;
}

export function momentOf(box: BoxView, now: number): Moment {
  return {
    now,
    utc: utcOf(now),
    policyDigest: box?.policy.digest ?? null,
    emergency: box?.emergency?.digest ?? null,
    undecidedHours: box?.retention?.undecidedHours ?? null,
  };
}

/** The next thing to do for a batch, or undefined when it waits: for people, or for another attempt. */
export function nextStep(state: BatchState, moment: Moment): Step | undefined {
  const { trouble, phase } = state;
  if (isOverdue(state, moment)) return "give-up";
  if (trouble && (trouble.again === null || stillWaits(trouble.again, moment.now))) return undefined;
  switch (phase.at) {
    case "submitting":
      return state.spooled ? "submit" : undefined;
    case "approving":
      return staleness(state, moment) && state.spooled ? "submit" : undefined;
    case "authorizing":
      return staleness(state, moment) && state.spooled ? "submit" : "authorize";
    case "sealing":
      return !phase.begun && staleness(state, moment) && state.spooled ? "submit" : "seal";
    case "answering":
      return "answer";
    case "ended":
      return undefined;
  }
}

/** Until when people may decide on a batch whose documents are here, in milliseconds; undefined where they have decided, or the policy sets no end. */
export function undecidedUntil({ phase, since, spooled }: BatchState, { undecidedHours }: Moment): number | undefined {
  const undecided = phase.at === "submitting" || phase.at === "approving";
  if (!spooled || !undecided || !undecidedHours) return undefined;
  return since + undecidedHours * 3_600_000;
}

/** RETENTION: why such a batch is refused. */
export function undecidedTooLong({ since }: BatchState, { now, undecidedHours }: Moment): RefusalRecord {
  return {
    code: "BATCH-UNDECIDED",
    message: "nobody decided on the batch in the time for which the policy keeps its documents",
    expected: `a decision within ${undecidedHours} h`,
    got: `none in ${Math.floor((now - since) / 3_600_000)} h since it was taken`,
  };
}

function isOverdue(state: BatchState, moment: Moment): boolean {
  const until = undecidedUntil(state, moment);
  return until !== undefined && until <= moment.now;
}

/** Why a challenge can be approved no more, in words; undefined while it can. */
export function staleness(
  { challenge, phase, trouble }: BatchState,
  { emergency = null, utc, policyDigest }: Moment,
): string | undefined {
  if (!challenge) return undefined;
  // The signer judges certificates anew before it seals; only a submission can give a new challenge then.
  const lapsed = phase.at === "sealing" && ["PATH-TIME", "PATH-REVOKED"].includes(trouble?.refusal.code ?? "");
  if (lapsed) return "a certificate counts no more";
  if (challenge.expires < utc) return `the challenge expired at ${challenge.expires}`;
  if (policyDigest !== null && challenge.policyDigest !== policyDigest) return "a new policy came into force";
  if (policyDigest !== null && challenge.emergency !== undefined && challenge.emergency !== emergency)
    return "its emergency was ended";
  return undefined;
}

/** The one batch that may be sealed now: one that was begun, else the first that came and is not waiting for another attempt. */
export function nextToSeal(batches: Iterable<BatchState>, moment: Moment): BatchState | undefined {
  const sealing = inOrder(batches).filter(({ phase }) => phase.at === "sealing");
  const begun = sealing.find(({ phase }) => phase.at === "sealing" && phase.begun);
  if (begun) return nextStep(begun, moment) === "seal" ? begun : undefined;
  return sealing.find((one) => nextStep(one, moment) === "seal");
}

export function inOrder(batches: Iterable<BatchState>): readonly BatchState[] {
  return [...batches].sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
}
