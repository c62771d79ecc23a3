/** Which faults are the box's and pass, and how long to wait for that. Pure. */

import type { RefusalCode } from "../../manifests/refusal.ts";

/** Refusals that say something of the box, not of the batch: it waits and is tried again. */
export function isBoxMatter(code: RefusalCode): boolean {
  return /^(?:HSM-|MEDIA-(?:READ|WRITE|FULL)$|PIN-|STICK-)/.test(code) || boxMatters.has(code);
}

const boxMatters: ReadonlySet<RefusalCode> = new Set([
  "BUSY",
  "CHAIN",
  "CLOCK",
  "CLOSED",
  "CONFIG",
  "FRAME",
  "GAP",
  "INTENT-FIRST",
  "INTERNAL",
  "KEY-STATE",
  "LOCKED",
  "POLICY-DIGEST",
  "REVOCATION-STALE",
  "SOFTWARE",
  "STOPPED",
  "STORE",
  "SUSPENDED",
  "UNACKNOWLEDGED",
  "UNANCHORED",
  "UNREACHABLE",
]);

const longestPause = 60_000;

/** Milliseconds to the next attempt: half a second, doubled each time, at most a minute. */
export function pause(tries: number): number {
  return Math.min(longestPause, 500 * 2 ** Math.min(tries - 1, 10));
}

/** Whether an attempt that was put off until `again` is still to wait. One that lies further ahead than any is put off is from before the clock was set back. */
export function stillWaits(again: number, now: number): boolean {
  return again > now && again - now <= longestPause;
}
