/** Manifests of one box held against each other: numbers, links, times, the journal's rows; where a store was made anew. Pure but for its findings. */

import { hex } from "../../encoding/bytes.ts";
import { cut, gapsBetween, merged, type NumberRange, rangesOf } from "../../records/number-ranges.ts";
import type { ChainFindings } from "./chain-findings.ts";
import type { ContinuityRecord } from "./chain-orders.ts";
import type { SeenManifest, SeenManifests } from "./seen-manifests.ts";

/** Numbers of which no manifest is here. */
export interface Gap extends NumberRange {
  /** what says that they were used: the link of the manifest after them; a continuity record, which had them at hand; or that record says that they are unexplained, and perhaps were never used */
  readonly known: "by a link" | "by a continuity record" | "unexplained";
}

/** Where the quorum had a store made anew. */
export interface ContinuityBreak {
  /** number of the first manifest after it */
  readonly number: number;
  readonly record: ContinuityRecord;
}

/** The clock was set to an earlier time between two manifests, as the later one says. */
export interface ClockSetBack {
  readonly number: number;
  readonly from: string;
  readonly to: string;
}

export interface Links {
  readonly first: number;
  readonly last: number;
  /** distinct manifests */
  readonly manifests: number;
  /** how often one of them was there again */
  readonly copies: number;
  readonly seen: readonly NumberRange[];
  readonly gaps: readonly Gap[];
  /** ranges within which each manifest holds the one before */
  readonly linked: readonly NumberRange[];
  readonly breaks: readonly ContinuityBreak[];
  readonly clockSetBack: readonly ClockSetBack[];
}

const mostNamed = 1000;

/** All manifests of one number, without repetitions. */
interface Group {
  readonly number: number;
  readonly rows: readonly number[];
}

/**
 * Judges the links of a chain. CHAIN: two manifests of a number, one that does not hold the one before, rows of the journal that do not grow. CLOCK: a time
 * before that of the manifest before, unless the clock was set meanwhile. Nothing is found for a number that is missing: that is a gap.
 */
export function judgeLinks(
  chain: SeenManifests,
  genesis: string,
  records: readonly ContinuityRecord[],
  findings: ChainFindings,
): Links {
  const order = chain.byNumber();
  const [first, last] = [chain.number(order[0] as number), chain.number(order.at(-1) as number)];
  const linked: { from: number; to: number }[] = [];
  const breaks: ContinuityBreak[] = [];
  const clockSetBack: ClockSetBack[] = [];
  let manifests = 0;
  let before: Group | undefined;
  for (const group of groupsOf(chain, order)) {
    manifests += group.rows.length;
    const after: Later = { chain, genesis, records, before, group };
    if (before) tellFork(chain, before, group, findings);
    let joined = false;
    for (const row of group.rows) {
      const one = chain.at(row);
      const link = linkOf(one, after);
      if (link.record && breaks.length < mostNamed) breaks.push({ number: one.number, record: link.record });
      if (link.broken)
        findings.add(fileOf(one), "CHAIN", link.broken, { expected: link.expected ?? "", got: one.previous });
      else if (before?.number === one.number - 1) joined = true;
      if (before) checkGrows(link.follows ?? chain.at(before.rows[0] as number), one, findings, clockSetBack);
    }
    const range = linked.at(-1);
    if (joined && range) range.to = group.number;
    else linked.push({ from: group.number, to: group.number });
    before = group;
  }
  if (before) tellFork(chain, before, undefined, findings);
  const seen = rangesOf([...order].map((row) => chain.number(row)));
  const known = Math.max(last, ...records.map((record) => record.last));
  const gaps = [...explained(gapsBetween(seen, known), records)];
  return { first, last, manifests, copies: chain.size - manifests, seen, gaps, linked, breaks, clockSetBack };
}

function* groupsOf(chain: SeenManifests, order: Uint32Array): Generator<Group> {
  let rows: number[] = [];
  let lastDigest = "";
  for (const row of order) {
    const number = chain.number(row);
    const digest = hex(chain.bytes(row, "digest"));
    const [head] = rows;
    if (head !== undefined && chain.number(head) !== number) {
      yield { number: chain.number(head), rows };
      rows = [];
    }
    if (rows.length === 0 || digest !== lastDigest) rows.push(row);
    lastDigest = digest;
  }
  const [head] = rows;
  if (head !== undefined) yield { number: chain.number(head), rows };
}

interface Later {
  readonly chain: SeenManifests;
  readonly genesis: string;
  readonly records: readonly ContinuityRecord[];
  readonly before: Group | undefined;
  readonly group: Group;
}

interface Link {
  /** of the number before, the one whose digest it holds */
  readonly follows?: SeenManifest;
  readonly record?: ContinuityRecord;
  readonly broken?: string;
  readonly expected?: string;
}

function linkOf(one: SeenManifest, { chain, genesis, records, before }: Later): Link {
  const record = records.find(({ digest, next }) => next === one.number && digest === one.previous);
  if (record) return { record };
  if (one.number === 1) {
    if (one.previous === genesis) return {};
    return { broken: "the first manifest does not follow the genesis policy", expected: genesis };
  }
  const other = records.find(({ next }) => next === one.number);
  if (before?.number !== one.number - 1) {
    if (!other) return {};
    return {
      broken: `number ${one.number} does not follow the continuity record that goes on with it`,
      expected: other.digest,
    };
  }
  const candidates = before.rows.map((row) => chain.at(row));
  const follows = candidates.find(({ digest }) => digest === one.previous);
  if (follows) return { follows };
  const expected = candidates
    .map(({ digest }) => digest)
    .slice(0, 2)
    .join(" or ");
  return {
    broken: `number ${one.number} does not follow number ${before.number}; if the box was made anew between them, its continuity record (the order recover) is not here`,
    expected: other ? `${expected}, or the continuity record ${other.digest}` : expected,
  };
}

/** Two manifests of one number (T25), both named, and which of them the next one follows. */
function tellFork(
  chain: SeenManifests,
  { number, rows }: Group,
  next: Group | undefined,
  findings: ChainFindings,
): void {
  const [first, ...others] = rows;
  if (first === undefined || others.length === 0) return;
  const followed = new Set(next?.number === number + 1 ? next.rows.map((row) => chain.at(row).previous) : []);
  const words = (one: SeenManifest) =>
    `${fileOf(one)}, ${one.digest}${followed.has(one.digest) ? `, which number ${number + 1} follows` : ""}`;
  const one = chain.at(first);
  for (const row of others) {
    const other = chain.at(row);
    findings.add(fileOf(other), "CHAIN", `two different manifests have number ${number}`, {
      expected: words(one),
      got: words(other),
    });
  }
}

function checkGrows(before: SeenManifest, one: SeenManifest, findings: ChainFindings, setBack: ClockSetBack[]): void {
  if (one.sequence <= before.sequence) {
    const detail = { expected: `after row ${before.sequence}`, got: `row ${one.sequence}` };
    findings.add(
      fileOf(one),
      "CHAIN",
      `number ${one.number} stands before number ${before.number} in the journal`,
      detail,
    );
  }
  if (one.created >= before.created) return;
  if (one.lastSet !== before.lastSet && one.lastSet <= one.created) {
    if (setBack.length < mostNamed) setBack.push({ number: one.number, from: before.created, to: one.created });
    return;
  }
  const detail = { expected: `from ${before.created} on`, got: one.created };
  findings.add(
    fileOf(one),
    "CLOCK",
    `number ${one.number} claims to be earlier than number ${before.number}, and the clock was not set between them`,
    detail,
  );
}

/** Gaps in pieces, by what is known of each: a record speaks of the numbers before it alone. */
function* explained(gaps: readonly NumberRange[], records: readonly ContinuityRecord[]): Generator<Gap> {
  const missing = merged(records.flatMap((one) => one.missing));
  const before = [{ from: 1, to: Math.max(0, ...records.map(({ next }) => next - 1)) }];
  for (const { from, to, inside } of cut(gaps, missing)) {
    if (inside) yield { from, to, known: "unexplained" };
    else {
      for (const piece of cut([{ from, to }], before)) {
        yield { from: piece.from, to: piece.to, known: piece.inside ? "by a continuity record" : "by a link" };
      }
    }
  }
}

export function fileOf({ place }: Pick<SeenManifest, "place">): string {
  return place === "" ? "manifest.p7m" : `${place}/manifest.p7m`;
}
