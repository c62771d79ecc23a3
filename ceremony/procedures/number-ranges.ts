/** Ranges of manifests' numbers, in words. */

import { type NumberRange, rangeText } from "../../manifests/records/number-ranges.ts";

/** `1 to 3, 7`; `none` where there is none. */
export function rangeWords(ranges: readonly NumberRange[]): string {
  return ranges.map(rangeText).join(", ") || "none";
}
