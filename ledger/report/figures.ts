/** What the report shows, in numbers: read of the store at one moment, then put into buckets. */

import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { type QueueAnswer, queueAnswer } from "../anchor/queue.ts";
import { type BoxAnswer, boxAnswers } from "../answers/boxes.ts";
import { type EmergencyAnswer, emergencyAnswers } from "../answers/emergencies.ts";
import { type GapAnswer, gapAnswer } from "../answers/gaps.ts";
import { linked } from "../boxes/chain-rows.ts";
import { enrolledBoxes } from "../boxes/enrolled.ts";
import { treeHead } from "../log/tree-head.ts";
import type { Sql } from "../store/database.ts";
import { type Buckets, bucketAt, bucketsOf, medianOf } from "./buckets.ts";

export interface Period {
  /** null: from the first manifest on */
  readonly from: Utc | null;
  /** the last day that is shown; null: that of now */
  readonly to: Utc | null;
}

/** What is stacked in one bar: a name and its amount in each bucket. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Figures {
  readonly now: Utc;
  readonly period: { readonly from: Utc; readonly to: Utc };
  readonly buckets: Buckets;
  readonly boxes: readonly BoxAnswer[];
  /** of the period */
  readonly manifests: number;
  readonly seals: number;
  readonly entries: number;
  readonly volume: readonly Series[];
  readonly modes: readonly Series[];
  /** age in hours, at the end of each bucket, of the oldest manifest that waited for evidence of time */
  readonly queue: readonly number[];
  readonly queueNow: QueueAnswer;
  /** hours from a manifest to the first acknowledgement over it, of those of each bucket; null: none was acknowledged */
  readonly acknowledged: { readonly median: readonly (number | null)[]; readonly longest: readonly (number | null)[] };
  /** manifests of the period that no acknowledgement is over yet */
  readonly unacknowledged: number;
  readonly gaps: readonly GapAnswer[];
  readonly emergencies: readonly EmergencyAnswer[];
}

interface Row {
  readonly manifest: number;
  readonly box: number;
  readonly number: number;
  readonly created: Utc;
  readonly arrived: Utc;
  readonly mode: string;
  readonly seals: number;
  readonly chained: number;
  readonly anchored: Utc | null;
}

const rowsAtOnce = 5000;
const hour = 3_600_000;
/** Bars of more boxes than this are one. */
const mostSeries = 6;

export async function figuresOf(sql: Sql, { from, to }: Period, now: Utc): Promise<Figures> {
  const rows = await manifestRows(sql);
  const first = rows.map(({ created }) => created).sort()[0] ?? now;
  const period = { from: from ?? first, to: to ?? now };
  const buckets = bucketsOf(period.from, period.to);
  const boxes = await boxAnswers(sql, now);
  const enrolled = await enrolledBoxes(sql);
  const names = new Map(
    enrolled.map(({ box, genesis }) => [
      box,
      boxes.find((one) => one.genesis === genesis)?.appliance ?? genesis.slice(0, 16),
    ]),
  );
  const within = rows.flatMap((row) => {
    const at = bucketAt(buckets, row.created);
    return at === undefined ? [] : [{ ...row, at }];
  });
  const { size } = await treeHead(sql);
  const gaps: GapAnswer[] = [];
  const emergencies: EmergencyAnswer[] = [];
  for (const one of enrolled) {
    gaps.push(await gapAnswer(sql, one, now));
    emergencies.push(...(await emergencyAnswers(sql, one, now)));
  }
  const acknowledged = await acknowledgedIn(sql, within, buckets.all.length);
  return {
    now,
    period,
    buckets,
    boxes,
    manifests: within.length,
    seals: within.reduce((sum, { seals }) => sum + seals, 0),
    entries: size,
    volume: largest(seriesOf(within, buckets.all.length, ({ box }) => names.get(box) ?? `box ${box}`)),
    modes: seriesOf(within, buckets.all.length, ({ mode }) => mode),
    queue: queueAges(rows, buckets, now),
    queueNow: await queueAnswer(sql, now),
    ...acknowledged,
    gaps,
    emergencies,
  };
}

/** Without those that lost by a decision. */
async function manifestRows(sql: Sql): Promise<readonly Row[]> {
  const all: Row[] = [];
  for (let after = 0; ; ) {
    const rows = await sql.all<Row>(
      `SELECT m.manifest, m.box, m.number, m.created, m.arrived, m.mode, CASE WHEN m.outcome = 'sealed' THEN m.sealed ELSE 0 END AS seals,
        EXISTS (SELECT 1 FROM chain_links l WHERE l.manifest = m.manifest AND ${linked}) AS chained,
        (SELECT min(r.made) FROM anchor_ways w JOIN anchor_rounds r ON r.round = w.round WHERE w.manifest = m.manifest) AS anchored
        FROM box_manifests m WHERE m.manifest > ? AND NOT EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest)
        ORDER BY m.manifest LIMIT ?`,
      after,
      rowsAtOnce,
    );
    all.push(...rows);
    const last = rows.at(-1);
    if (!last) return all;
    after = last.manifest;
  }
}

function seriesOf(
  rows: readonly (Row & { readonly at: number })[],
  length: number,
  nameOf: (row: Row) => string,
): readonly Series[] {
  const series = new Map<string, number[]>();
  for (const row of rows) {
    const name = nameOf(row);
    const values = series.get(name) ?? new Array<number>(length).fill(0);
    values[row.at] = (values[row.at] ?? 0) + row.seals;
    series.set(name, values);
  }
  return [...series]
    .map(([name, values]) => ({ name, values }))
    .sort((a, b) => total(b) - total(a) || (a.name < b.name ? -1 : 1));
}

/** The largest by themselves, the others together. */
function largest(series: readonly Series[]): readonly Series[] {
  if (series.length <= mostSeries) return series;
  const rest = series.slice(mostSeries - 1);
  const values = (rest[0] as Series).values.map((_, at) => rest.reduce((sum, one) => sum + (one.values[at] ?? 0), 0));
  return [...series.slice(0, mostSeries - 1), { name: `${rest.length} other boxes`, values }];
}

export function total({ values }: Series): number {
  return values.reduce((sum, one) => sum + one, 0);
}

/** Pure. */
export function queueAges(
  rows: readonly Pick<Row, "arrived" | "anchored">[],
  { all }: Buckets,
  now: Utc,
): readonly number[] {
  return all.map(({ to }) => {
    const at = to < now ? to : now;
    let oldest: Utc | undefined;
    for (const { anchored, arrived } of rows) {
      if (arrived > at || (anchored !== null && anchored <= at)) continue;
      if (oldest === undefined || arrived < oldest) oldest = arrived;
    }
    return oldest === undefined ? 0 : (Date.parse(at) - Date.parse(oldest)) / hour;
  });
}

async function acknowledgedIn(
  sql: Sql,
  rows: readonly (Row & { readonly at: number })[],
  length: number,
): Promise<Pick<Figures, "acknowledged" | "unacknowledged">> {
  const made = await sql.all<{ box: number; number: number; made: Utc }>(
    "SELECT box, number, made FROM acknowledgements ORDER BY acknowledgement",
  );
  const byBox = Map.groupBy(made, ({ box }) => box);
  const taken: number[][] = Array.from({ length }, () => []);
  let unacknowledged = 0;
  // By rising numbers: the first acknowledgement over one is never before the first over a lower one.
  const reached = new Map<number, number>();
  for (const { at, box, chained, created, number } of [...rows].sort((a, b) => a.number - b.number)) {
    const own = byBox.get(box) ?? [];
    let next = reached.get(box) ?? 0;
    while (next < own.length && (own[next]?.number ?? 0) < number) next += 1;
    reached.set(box, next);
    const first = chained === 0 ? undefined : own[next];
    if (first) taken[at]?.push(Math.max(0, (Date.parse(first.made) - Date.parse(created)) / hour));
    else unacknowledged += 1;
  }
  const longest = taken.map((hours) =>
    hours.length === 0 ? null : hours.reduce((most, one) => Math.max(most, one), 0),
  );
  return { acknowledged: { median: taken.map(medianOf), longest }, unacknowledged };
}

/** A day that people named. Undefined: it is none. */
export function dayIn(text: string): Utc | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(time) || utcOf(time).slice(0, 10) !== text ? undefined : utcOf(time);
}
