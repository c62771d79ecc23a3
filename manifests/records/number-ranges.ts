/** Ranges of manifests' numbers: which were seen, and which lie between them. Pure. */

export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** `7`, or `1 to 3`. */
export function rangeText({ from, to }: NumberRange): string {
  return from === to ? `${from}` : `${from} to ${to}`;
}

/** Ascending numbers (repetitions may stand beside each other) as ranges without gaps. */
export function rangesOf(ascending: Iterable<number>): readonly NumberRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const number of ascending) {
    const last = ranges.at(-1);
    if (last && number <= last.to + 1) last.to = Math.max(last.to, number);
    else ranges.push({ from: number, to: number });
  }
  return ranges;
}

/** What of 1 to `last` is in none of the ranges, which are ascending and apart. */
export function gapsBetween(ranges: readonly NumberRange[], last: number): readonly NumberRange[] {
  const gaps: NumberRange[] = [];
  let next = 1;
  for (const { from, to } of ranges) {
    if (from > next) gaps.push({ from: next, to: from - 1 });
    next = to + 1;
  }
  if (next <= last) gaps.push({ from: next, to: last });
  return gaps;
}

/** Ranges that may overlap, in order and apart. */
export function merged(ranges: readonly NumberRange[]): readonly NumberRange[] {
  const out: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = out.at(-1);
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to);
    else if (to >= from) out.push({ from, to });
  }
  return out;
}

/** Ranges in pieces, cut where the others begin and end; `inside` says whether a piece lies in one of them. Both are in order and apart. */
export function* cut(
  ranges: readonly NumberRange[],
  others: readonly NumberRange[],
): Generator<NumberRange & { readonly inside: boolean }> {
  let start = 0;
  for (const { from: first, to: last } of ranges) {
    while ((others[start]?.to ?? last) < first) start += 1;
    let from = first;
    for (let at = start; from <= last; at++) {
      const other = others[at];
      if (!other || other.from > last) {
        yield { from, to: last, inside: false };
        break;
      }
      if (other.from > from) yield { from, to: other.from - 1, inside: false };
      from = Math.max(from, other.from);
      const to = Math.min(other.to, last);
      if (to >= from) yield { from, to, inside: true };
      from = Math.max(from, to + 1);
    }
  }
}
