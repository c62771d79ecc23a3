/** A period in days, weeks or months, so that a plot has a readable number of them. Pure; times are UTC. */

import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";

export interface Bucket {
  /** its first moment */
  readonly from: Utc;
  /** the first moment after it */
  readonly to: Utc;
  readonly label: string;
}

export interface Buckets {
  readonly unit: "day" | "week" | "month";
  readonly all: readonly Bucket[];
}

const day = 86_400_000;
const mostDays = 62;
const mostWeeks = 80;

/** Of whole days, from that of `from` to that of `to`, both in it. */
export function bucketsOf(from: Utc, to: Utc): Buckets {
  const first = Date.parse(`${from.slice(0, 10)}T00:00:00Z`);
  const end = Date.parse(`${to.slice(0, 10)}T00:00:00Z`) + day;
  const days = Math.max(1, Math.round((end - first) / day));
  const unit = days <= mostDays ? "day" : days <= mostWeeks * 7 ? "week" : "month";
  const all: Bucket[] = [];
  for (let at = first; at < end; ) {
    const next = Math.min(end, after(at, unit));
    all.push({ from: utcOf(at), to: utcOf(next), label: utcOf(at).slice(0, unit === "month" ? 7 : 10) });
    at = next;
  }
  return { unit, all };
}

function after(at: number, unit: Buckets["unit"]): number {
  if (unit === "day") return at + day;
  const date = new Date(at);
  // Weeks begin on Mondays, months on the first.
  if (unit === "week") return at + (7 - ((date.getUTCDay() + 6) % 7)) * day;
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** Index of the bucket that a time is in; undefined: in none. */
export function bucketAt({ all }: Buckets, time: Utc): number | undefined {
  let [low, high] = [0, all.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { from, to } = all[middle] as Bucket;
    if (time < from) high = middle - 1;
    else if (time >= to) low = middle + 1;
    else return middle;
  }
  return undefined;
}

/** The middle one of some, of two the lower; null: there is none. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? null;
}
