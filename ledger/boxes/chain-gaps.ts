/** Which numbers of a box are missing, since when that is known, by what, and whether it is time to raise an alarm. Pure. */

import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { cut, gapsBetween, merged, type NumberRange, rangesOf } from "../../manifests/records/number-ranges.ts";

export interface GapFacts {
  /** ranges of what is in the chain, in order and apart */
  readonly chained: readonly NumberRange[];
  /** what waits for them, by rising numbers, and since when it is here */
  readonly waiting: readonly { readonly number: number; readonly arrived: Utc }[];
  readonly records: readonly KnownRecord[];
}

/** Of a continuity record. */
export interface KnownRecord {
  readonly next: number;
  /** the highest number that was known */
  readonly last: number;
  readonly missing: readonly NumberRange[];
  readonly arrived: Utc;
}

export interface MissingRange extends NumberRange {
  /** "waits": a later manifest is here. "record": a continuity record had it at hand. "explained": a record says that nothing was at hand; perhaps it was never used */
  readonly known: "waits" | "record" | "explained";
  readonly since: Utc;
  /** it is unexplained, and longer so than is allowed */
  readonly alarm: boolean;
}

/** By what it is known that a number is missing, for people. */
export const knownWords: Readonly<Record<MissingRange["known"], string>> = {
  waits: "a later one is here",
  record: "the box had it when it was made anew",
  explained: "explained by a continuity record",
};

/** What is older is late, where so many hours are allowed. */
export function deadlineOf(now: Utc, hours: number): Utc {
  return utcOf(Date.parse(now) - hours * 3_600_000);
}

/** All that are missing, in order. `hours`: how long they may be before that alarms. */
export function missingNumbers(
  { chained, records, waiting }: GapFacts,
  hours: number,
  now: Utc,
): readonly MissingRange[] {
  const here = merged([...chained, ...rangesOf(waiting.map(({ number }) => number))]);
  const last = Math.max(here.at(-1)?.to ?? 0, ...records.map(({ next }) => next - 1));
  const explained = merged(records.flatMap(({ missing }) => missing));
  const deadline = deadlineOf(now, hours);
  const found: MissingRange[] = [];
  for (const { from, inside, to } of cut(gapsBetween(here, last), explained)) {
    const range = { from, to };
    if (inside) found.push({ ...range, known: "explained", since: sinceRecord(records, to), alarm: false });
    else {
      const by = waiting.filter(({ number }) => number > to).map(({ arrived }) => arrived);
      const known = by.length > 0 ? "waits" : "record";
      const since = by.length > 0 ? earliest(by) : sinceRecord(records, to);
      found.push({ ...range, known, since, alarm: since <= deadline });
    }
  }
  return found;
}

/** When the first record came that speaks of the number. */
function sinceRecord(records: readonly KnownRecord[], number: number): Utc {
  return earliest(records.filter(({ next }) => next > number).map(({ arrived }) => arrived));
}

function earliest(times: readonly Utc[]): Utc {
  return [...times].sort()[0] ?? "";
}
