/** Ranges of manifests' numbers, in words. */

export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** `1 to 3, 7`; `none` where there is none. */
export function rangeWords(ranges: readonly NumberRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`)).join(", ") || "none";
}
