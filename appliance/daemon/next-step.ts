/** What is to be done next for a batch, and which batch is sealed next. Pure. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import type { BatchState } from "./batch-state.ts";

export type Step = "submit" | "authorize" | "seal" | "answer";

/** What the clock and the signer say when the next step is chosen. */
export interface Moment {
  readonly now: number;
  readonly utc: Utc;
  /** hex; null while it is not known */
  readonly policyDigest: string | null;
  /** hex, of the order that declared the emergency that is open; null where none is */
  readonly emergency?: string | null;
}

/** The next thing to do for a batch, or undefined when it waits: for people, or for another attempt. */
export function nextStep(state: BatchState, moment: Moment): Step | undefined {
  const { trouble, phase } = state;
  if (trouble && (trouble.again === null || trouble.again > moment.now)) return undefined;
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
