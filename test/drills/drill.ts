/** What a drill is: something breaks on purpose on this machine, what must hold is checked, and how long it took is measured. */

import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../manifests/refusal.ts";

export interface Drill {
  /** as the runbook in docs/runbooks/ and the command line have it */
  readonly name: string;
  /** one line: what breaks, and what must hold */
  readonly about: string;
  /** programs that must be on the PATH before it starts */
  readonly needs: readonly string[];
  /** it fetches and starts servers, so that `all` leaves it out unless `--servers` is said */
  readonly servers?: true;
  /** what stands in for the real thing; the record says so */
  readonly simulates: readonly string[];
  /** longest time that it may take, seconds; else it failed (600 unless said) */
  readonly mostSeconds?: number;
  /** longest `rtoSeconds`; any unless said */
  readonly mostRtoSeconds?: number;
  /** fewest `acknowledged`; 1 unless said: a drill in which nothing was at stake shows nothing */
  readonly leastAcknowledged?: number;
  run(context: DrillContext): Promise<DrillResult>;
}

export interface DrillContext {
  /** an empty folder of this drill's own (0700), removed afterwards */
  readonly folder: string;
  /** tells what happens, one line */
  say(line: string): void;
  /** Refuses DRILL where it does not hold. Counted: the record says how many held. */
  check(holds: boolean, what: string, got?: string): void;
  /** What is ended or given back when the drill is over, however it ends: the last first. */
  onEnd(end: () => Promise<void> | void): void;
  /** What was measured, before it is checked: so that the record of a drill that then fails has the figures, and not none. */
  measured(result: DrillResult): void;
  /** Aborted when the drill takes too long or is interrupted: children are started with it, or ended by `onEnd`. */
  readonly signal: AbortSignal;
}

export interface DrillResult {
  /** from the breaking to the moment when work goes on: what that moment is, the runbook says */
  readonly rtoSeconds: number;
  /** what somebody was told is safe before it broke, counted */
  readonly acknowledged: number;
  /** those of them that are not there afterwards, or are something else */
  readonly lost: number;
  /** more figures, for people */
  readonly details: { readonly [name: string]: Json };
}

/** Refuses DRILL a result in which something was lost, that took too long, or in which too little was at stake to say anything. */
export function checkResult(drill: Drill, { acknowledged, lost, rtoSeconds }: DrillResult): void {
  const whole = (amount: number) => Number.isSafeInteger(amount) && amount >= 0;
  if (!whole(acknowledged) || !whole(lost) || !Number.isFinite(rtoSeconds) || rtoSeconds < 0) {
    const got = `rtoSeconds ${rtoSeconds}, acknowledged ${acknowledged}, lost ${lost}`;
    throw new Refusal("DRILL", "the drill measured nothing that could be", { expected: "three amounts", got });
  }
  const least = drill.leastAcknowledged ?? 1;
  if (acknowledged < least) {
    throw new Refusal("DRILL", "too little was acknowledged before it broke to show anything", {
      expected: `at least ${least}`,
      got: `${acknowledged}`,
    });
  }
  if (lost > 0) {
    throw new Refusal("DRILL", "what was acknowledged is lost", { expected: `0 of ${acknowledged}`, got: `${lost}` });
  }
  const most = drill.mostRtoSeconds ?? Number.POSITIVE_INFINITY;
  if (rtoSeconds > most) {
    throw new Refusal("DRILL", "it took too long until work went on", {
      expected: `${most} s at most`,
      got: `${rtoSeconds.toFixed(1)} s`,
    });
  }
}
