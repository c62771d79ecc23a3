/** The chain of a box as its rows say it together: for the machine (chain-state.ts), a window of numbers; and the rows that a step adds. */

import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { NumberRange } from "../../manifests/records/number-ranges.ts";
import type { Sql } from "../store/database.ts";
import type { Arrival, AtNumber, ChainState, Continuity, Dispute, DisputeCause, Via } from "./chain-state.ts";
import type { EnrolledBox } from "./enrolled.ts";

/** Chained: in the chain now. A link that a decision cut counts no more. */
export const linked = "NOT EXISTS (SELECT 1 FROM cut_links c WHERE c.link = l.link)";

interface Standing {
  readonly number: number;
  readonly digest: Uint8Array;
  readonly previous: Uint8Array;
  readonly chained: number;
  readonly lost: number;
}

const standings = `SELECT m.number, m.digest, m.previous,
  EXISTS (SELECT 1 FROM chain_links l WHERE l.manifest = m.manifest AND ${linked}) AS chained,
  EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest) AS lost
  FROM box_manifests m WHERE m.box = ? AND m.number BETWEEN ? AND ? ORDER BY m.number, m.manifest`;

/** The state with what is around a number. */
export async function chainAround(sql: Sql, box: EnrolledBox, number: number): Promise<ChainState> {
  return chainWithin(sql, box, { from: number - 1, to: number + 1 });
}

/** The state with what is here of some numbers. */
export async function chainWithin(
  sql: Sql,
  { box, genesis }: EnrolledBox,
  { from, to }: NumberRange,
): Promise<ChainState> {
  const at = new Map<number, AtNumber>();
  for (const row of await sql.all<Standing>(standings, box, from, to)) {
    const manifest: Arrival = { number: row.number, digest: hex(row.digest), previous: hex(row.previous) };
    const { lost, waiting, ...rest } = at.get(row.number) ?? { waiting: [], lost: [] };
    at.set(
      row.number,
      row.chained !== 0
        ? { chained: manifest, waiting, lost }
        : row.lost !== 0
          ? { ...rest, waiting, lost: [...lost, manifest] }
          : { ...rest, waiting: [...waiting, manifest], lost },
    );
  }
  return {
    genesis,
    highest: await highestNumber(sql, box),
    at,
    records: await recordsOf(sql, box),
    disputes: await openDisputes(sql, box),
  };
}

/** Highest number in the chain; 0: none. */
export async function highestNumber(sql: Sql, box: number): Promise<number> {
  const row = await sql.get<{ number: number }>(
    `SELECT l.number FROM chain_links l WHERE l.box = ? AND ${linked} ORDER BY l.number DESC LIMIT 1`,
    box,
  );
  return row?.number ?? 0;
}

export interface KnownContinuity extends Continuity {
  readonly last: number;
  readonly people: string;
  readonly reason: string;
  readonly created: Utc;
  readonly arrived: Utc;
}

export async function recordsOf(sql: Sql, box: number): Promise<readonly KnownContinuity[]> {
  const rows = await sql.all<Omit<KnownContinuity, "digest" | "missing"> & { digest: Uint8Array; missing: string }>(
    "SELECT digest, next, last, missing, people, reason, created, arrived FROM continuity WHERE box = ? ORDER BY next, created",
    box,
  );
  return rows.map((row) => ({ ...row, digest: hex(row.digest), missing: JSON.parse(row.missing) as NumberRange[] }));
}

export interface OpenDispute extends Dispute {
  readonly dispute: number;
  readonly finding: string;
  readonly raised: Utc;
}

export async function openDisputes(sql: Sql, box: number): Promise<readonly OpenDispute[]> {
  return sql.all<OpenDispute>(
    `SELECT d.dispute, d.number, d.cause, d.finding, d.raised FROM disputes d
      WHERE d.box = ? AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.dispute = d.dispute) ORDER BY d.dispute`,
    box,
  );
}

export interface NewLink {
  readonly box: number;
  readonly number: number;
  readonly manifest: number;
  /** index of the manifest's entry */
  readonly entry: number;
  readonly via: Via;
  readonly now: Utc;
}

export async function addLink(sql: Sql, { box, entry, manifest, now, number, via }: NewLink): Promise<void> {
  const link = await nextId(sql, "chain_links", "link");
  const columns = ["link", "box", "number", "manifest", "entry", "via", "chained"];
  await sql.insert("chain_links", columns, [[link, box, number, manifest, entry, via, now]]);
}

/** A dispute of a number that is in dispute already takes its place; what is known stays written. */
export async function addDispute(
  sql: Sql,
  box: number,
  { cause, number }: { readonly cause: DisputeCause; readonly number: number },
  { finding, now }: { readonly finding: string; readonly now: Utc },
): Promise<void> {
  for (const one of await openDisputes(sql, box)) if (one.number === number) await settle(sql, one.dispute, null, now);
  const dispute = await nextId(sql, "disputes", "dispute");
  const columns = ["dispute", "box", "number", "cause", "finding", "raised"];
  await sql.insert("disputes", columns, [[dispute, box, number, cause, finding, now]]);
}

export async function settle(sql: Sql, dispute: number, decision: number | null, now: Utc): Promise<void> {
  await sql.insert("settlements", ["dispute", "decision", "settled"], [[dispute, decision, now]]);
}

/** The row of a manifest; undefined: it is not here. */
export async function manifestRow(sql: Sql, box: number, digest: string): Promise<number | undefined> {
  const row = await sql.get<{ manifest: number }>(
    "SELECT manifest FROM box_manifests WHERE box = ? AND digest = ?",
    box,
    fromHex(digest),
  );
  return row?.manifest;
}

/** Within a transaction nobody else writes. */
export async function nextId(sql: Sql, table: string, column: string): Promise<number> {
  const row = await sql.get<{ highest: number | null }>(`SELECT max(${column}) AS highest FROM ${table}`);
  return (row?.highest ?? 0) + 1;
}
