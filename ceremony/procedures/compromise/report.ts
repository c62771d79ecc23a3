/**
 * What a compromise leaves of a key's work: which manifests and seals fall, which stand, and why. Pure. HONEST: times are the box's own; what
 * stands because it is older does so by the word of the chained record, not by an anchored time.
 */

import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import type { KeyPurpose } from "../../../manifests/records/key-purpose.ts";
import { rangeWords } from "../number-ranges.ts";

/** A manifest that the key sealed for or signed. */
export interface Made {
  readonly number: number;
  readonly batch: string | null;
  readonly batchDigest: string;
  readonly created: Utc;
  readonly outcome: "sealed" | "aborted";
  readonly sealed: number;
  readonly purpose: string | null;
  readonly submitter: string;
  /** whether this key made the seals, and whether it signed the manifest */
  readonly sealing: boolean;
  readonly audit: boolean;
  /** whether it stands on a re-sealing list already */
  readonly listed: boolean;
}

export interface Judged extends Made {
  readonly why: string;
}

export interface Compromise {
  readonly appliance: string;
  readonly created: Utc;
  readonly key: { readonly digest: string; readonly purpose: KeyPurpose };
  readonly reason: string;
  /** from when on the key may have been in other hands; null: nobody knows */
  readonly since: Utc | null;
}

export interface CompromiseReport extends Compromise {
  readonly fall: readonly Judged[];
  readonly stand: readonly Judged[];
}

/** Splits what the key made at `since`; all of it falls where that is unknown. */
export function reportOf(compromise: Compromise, made: readonly Made[]): CompromiseReport {
  const fall: Judged[] = [];
  const stand: Judged[] = [];
  for (const one of made) {
    const falls = compromise.since === null || one.created >= compromise.since;
    (falls ? fall : stand).push({ ...one, why: whyOf(one, compromise, falls) });
  }
  return { ...compromise, fall, stand };
}

/** So many numbers one list may hold; another ceremony lists the rest. */
const longestList = 10_000;

/** Numbers whose documents can be sealed again: those that fall, were sealed, and stand on no list yet. */
export function resealable({ fall }: CompromiseReport): readonly number[] {
  const numbers = fall.filter(({ listed, outcome }) => outcome === "sealed" && !listed).map(({ number }) => number);
  return numbers.slice(0, longestList);
}

/** Numbers that fall and stand on a re-sealing list. */
export function onLists({ fall }: CompromiseReport): readonly number[] {
  return fall.filter(({ listed }) => listed).map(({ number }) => number);
}

/** How many seals of these the key itself made. */
export function sealsOf(judged: readonly Judged[]): number {
  return judged.reduce((sum, { sealed, sealing }) => sum + (sealing ? sealed : 0), 0);
}

export function reportJson(report: CompromiseReport): { readonly [name: string]: Json } {
  const rows = (judged: readonly Judged[]) => judged.map((one) => ({ ...one }));
  return {
    ...report,
    fall: rows(report.fall),
    key: { ...report.key },
    stand: rows(report.stand),
    type: "compromise-report",
    version: 1,
  };
}

/** `1 to 3, 7`. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return rangeWords(ranges);
}

function whyOf({ sealing, audit, created }: Made, { since }: Compromise, falls: boolean): string {
  const what = sealing && audit ? "seals and manifest" : sealing ? "seals" : "manifest";
  if (falls && since === null) return `${what}: nobody knows from when on the key was in other hands`;
  if (falls) return `${what}: made at ${created}, not before ${since}; another could have made them so`;
  return `${what}: made at ${created}, before ${since}, by the box's own clock and chained record; no anchored time says so`;
}
