/** What is missing of a box's chain, and what is in dispute: for `coldseal ledger gaps`. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import { type NumberRange, rangesOf } from "../../manifests/records/number-ranges.ts";
import { type MissingRange, missingNumbers } from "../boxes/chain-gaps.ts";
import { linked, type OpenDispute, openDisputes, recordsOf } from "../boxes/chain-rows.ts";
import { applianceOf, type EnrolledBox } from "../boxes/enrolled.ts";
import type { Sql } from "../store/database.ts";

export interface GapAnswer {
  readonly appliance: string | null;
  readonly genesis: string;
  /** how long a number may be missing before that alarms */
  readonly hours: number;
  readonly missing: readonly MissingRange[];
  readonly disputes: readonly Omit<OpenDispute, "dispute">[];
}

export async function gapAnswer(sql: Sql, enrolled: EnrolledBox, now: Utc): Promise<GapAnswer> {
  const { box, gapHours: hours, genesis } = enrolled;
  const disputes = (await openDisputes(sql, box)).map(({ cause, finding, number, raised }) => ({
    cause,
    finding,
    number,
    raised,
  }));
  return {
    appliance: await applianceOf(sql, box),
    genesis,
    hours,
    missing: await missingOf(sql, enrolled, now),
    disputes,
  };
}

export async function missingOf(sql: Sql, { box, gapHours }: EnrolledBox, now: Utc): Promise<readonly MissingRange[]> {
  const waiting = await sql.all<{ number: number; arrived: string }>(
    `SELECT m.number, min(m.arrived) AS arrived FROM box_manifests m WHERE m.box = ?
      AND NOT EXISTS (SELECT 1 FROM chain_links l WHERE l.manifest = m.manifest AND ${linked})
      AND NOT EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest) GROUP BY m.number ORDER BY m.number`,
    box,
  );
  return missingNumbers(
    { chained: await chainedRanges(sql, box), waiting, records: await recordsOf(sql, box) },
    gapHours,
    now,
  );
}

/** Numbers in the chain without the millions of rows: each range begins where the number before is not in it. */
async function chainedRanges(sql: Sql, box: number): Promise<readonly NumberRange[]> {
  const edge = (step: number) =>
    sql.all<{ number: number }>(
      `SELECT l.number FROM chain_links l WHERE l.box = ? AND ${linked} AND NOT EXISTS (SELECT 1 FROM chain_links o WHERE o.box = l.box
        AND o.number = l.number + ${step} AND NOT EXISTS (SELECT 1 FROM cut_links c WHERE c.link = o.link)) ORDER BY l.number`,
      box,
    );
  const [firsts, lasts] = [await edge(-1), await edge(1)];
  return firsts.flatMap(({ number: from }, at) => {
    const to = lasts[at]?.number;
    return to === undefined ? rangesOf([from]) : [{ from, to }];
  });
}
