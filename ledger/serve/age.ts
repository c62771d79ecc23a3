/** How old something is, for figures and health. */

import type { Utc } from "../../manifests/encoding/shape.ts";

/** Whole seconds from `time` until `now` (ms); 0 of what is later. */
export function secondsSince(time: Utc, now: number): number {
  return Math.max(0, Math.round((now - Date.parse(time)) / 1000));
}
