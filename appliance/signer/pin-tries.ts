/** PIN tries, counted durably before they are checked; the wait after wrong ones survives restarts (T22). */

import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Db } from "./store.ts";

export interface PinTries {
  readonly failures: number;
  readonly waitUntil: Utc | null;
}

const freeTries = 3;
const firstWaitSeconds = 30;
const longestWaitSeconds = 24 * 3600;

/** How long to wait after so many wrong PINs in a row: nothing before the third, then 30 s, doubling, at most a day. */
export function waitSeconds(failures: number): number {
  if (failures < freeTries) return 0;
  return Math.min(firstWaitSeconds * 2 ** (failures - freeTries), longestWaitSeconds);
}

/** One more try, taken for wrong until it proves right. Refuses with PIN-LOCKED before the wait is over. */
export function countTry(tries: PinTries, now: Utc): PinTries {
  if (tries.waitUntil !== null && now < tries.waitUntil) {
    throw new Refusal("PIN-LOCKED", `${tries.failures} wrong PINs: the next try is allowed at ${tries.waitUntil}`, {
      expected: `not before ${tries.waitUntil}`,
      got: now,
    });
  }
  const failures = tries.failures + 1;
  const wait = waitSeconds(failures);
  return { failures, waitUntil: wait === 0 ? null : utcOf(Date.parse(now) + wait * 1000) };
}

export function readTries(db: Db): PinTries {
  const row = db
    .prepare<[], { failures: number; wait_until: Utc | null }>("SELECT failures, wait_until FROM pin_tries")
    .get();
  if (!row) throw new Refusal("CHAIN", "the store has lost its count of PIN tries");
  return { failures: row.failures, waitUntil: row.wait_until };
}

export function writeTries(db: Db, tries: PinTries): void {
  db.prepare("UPDATE pin_tries SET failures = ?, wait_until = ?").run(tries.failures, tries.waitUntil);
}
