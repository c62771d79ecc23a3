/** What the ledger knows of its boxes, in short: for `coldseal ledger list`. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import { linked, openDisputes } from "../boxes/chain-rows.ts";
import { applianceOf, type EnrolledBox, enrolledBoxes } from "../boxes/enrolled.ts";
import type { Sql } from "../store/database.ts";
import { missingOf } from "./gaps.ts";

export interface BoxAnswer {
  readonly appliance: string | null;
  readonly genesis: string;
  readonly enrolled: Utc;
  /** highest number in the chain; 0: none */
  readonly chained: number;
  readonly manifests: number;
  readonly seals: number;
  /** of these, verified themselves; the others are known by their digests */
  readonly sealsVerified: number;
  readonly waiting: number;
  readonly disputes: number;
  readonly missing: number;
  readonly gapAlarms: number;
  /** refusals, closing records, transcripts, custody logs and decisions in the log */
  readonly records: number;
  /** when the last manifest came */
  readonly lastArrived: Utc | null;
}

export async function boxAnswers(sql: Sql, now: Utc): Promise<readonly BoxAnswer[]> {
  const answers: BoxAnswer[] = [];
  for (const enrolled of await enrolledBoxes(sql)) answers.push(await boxAnswer(sql, enrolled, now));
  return answers;
}

const inChain = `EXISTS (SELECT 1 FROM chain_links l WHERE l.manifest = m.manifest AND ${linked})`;
const sealed = "CASE WHEN m.outcome = 'sealed' THEN m.sealed ELSE 0 END";

async function boxAnswer(sql: Sql, enrolled: EnrolledBox, now: Utc): Promise<BoxAnswer> {
  const { box, enrolled: since, genesis } = enrolled;
  const sums = await sql.get<{
    manifests: number;
    chained: number | null;
    seals: number | null;
    verified: number | null;
    last: string | null;
    waiting: number | null;
  }>(
    `SELECT count(*) AS manifests, max(CASE WHEN ${inChain} THEN m.number END) AS chained, sum(CASE WHEN ${inChain} THEN ${sealed} END) AS seals,
      sum(CASE WHEN ${inChain} AND EXISTS (SELECT 1 FROM seals_verified v WHERE v.manifest = m.manifest) THEN ${sealed} END) AS verified,
      sum(CASE WHEN ${inChain} OR EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest) THEN 0 ELSE 1 END) AS waiting,
      max(m.arrived) AS last FROM box_manifests m WHERE m.box = ?`,
    box,
  );
  const missing = await missingOf(sql, enrolled, now);
  const others = await sql.get<{ n: number }>(
    "SELECT (SELECT count(*) FROM box_records WHERE box = ?) + (SELECT count(*) FROM decisions WHERE box = ?) AS n",
    box,
    box,
  );
  return {
    appliance: await applianceOf(sql, box),
    genesis,
    enrolled: since,
    chained: sums?.chained ?? 0,
    manifests: sums?.manifests ?? 0,
    seals: sums?.seals ?? 0,
    sealsVerified: sums?.verified ?? 0,
    waiting: sums?.waiting ?? 0,
    disputes: (await openDisputes(sql, box)).length,
    missing: missing.reduce((count, { from, to }) => count + to - from + 1, 0),
    gapAlarms: missing.filter(({ alarm }) => alarm).length,
    records: others?.n ?? 0,
    lastArrived: sums?.last ?? null,
  };
}
