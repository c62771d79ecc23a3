/** Where a box stands with the ledger, by its own manifests, and what the ledger holds of it under a checkpoint. */

import { hex } from "../../manifests/encoding/bytes.ts";
import {
  type Acknowledged,
  type AcknowledgedManifest,
  mostAcknowledged,
  nothingAcknowledged,
  reportedOf,
} from "../../manifests/log/acknowledgement.ts";
import { type Manifest, readManifest } from "../../manifests/records/manifest.ts";
import { linked, openDisputes } from "../boxes/chain-rows.ts";
import type { EnrolledBox } from "../boxes/enrolled.ts";
import { provenInclusion } from "../log/proofs.ts";
import type { Sql } from "../store/database.ts";
import { policyNamed } from "./box-policies.ts";

export interface BoxStanding {
  readonly appliance: string;
  /** by its newest manifest here, where that speaks of this ledger */
  readonly reported: Acknowledged;
  /** highest number with no gap below that is not explained, which is under the checkpoint and not behind a dispute; 0: none */
  readonly highest: number;
  /** the lowest number in dispute; none: null */
  readonly disputed: number | null;
}

interface Link {
  readonly number: number;
  readonly entry: number;
}

/** With the ledger whose log is `origin`. Undefined: nothing of the box is in the chain. */
export async function standingOf(
  sql: Sql,
  enrolled: Pick<EnrolledBox, "arc" | "box">,
  origin: string,
  size: number,
): Promise<BoxStanding | undefined> {
  const { box } = enrolled;
  const newest = await newestManifest(sql, box);
  if (!newest) return undefined;
  const { appliance } = newest;
  const reported = await reportedTo(sql, enrolled, origin, newest);
  const disputes = (await openDisputes(sql, box)).map(({ number }) => number);
  const disputed = disputes.length > 0 ? Math.min(...disputes) : null;
  return { appliance, reported, disputed, highest: await highestUnder(sql, box, size, disputed) };
}

/** What the box itself reported to the ledger whose log is `origin`, by its newest manifest here. Undefined: nothing of it is in the chain. */
export async function reportedHere(
  sql: Sql,
  enrolled: Pick<EnrolledBox, "arc" | "box">,
  origin: string,
): Promise<Acknowledged | undefined> {
  const newest = await newestManifest(sql, enrolled.box);
  return newest && reportedTo(sql, enrolled, origin, newest);
}

/** What a manifest says of it is of the log that its own policy names: a box that another ledger acknowledged before has taken nothing of this one. */
export async function reportedTo(
  sql: Sql,
  box: Pick<EnrolledBox, "arc" | "box">,
  origin: string,
  { acknowledged, policy }: Manifest,
): Promise<Acknowledged> {
  if (!acknowledged) return nothingAcknowledged;
  return reportedOf(acknowledged, await policyNamed(sql, box, policy.digest), origin);
}

async function newestManifest(sql: Sql, box: number): Promise<Manifest | undefined> {
  const row = await sql.get<{ content: Uint8Array }>(
    `SELECT m.content FROM chain_links l JOIN box_manifests m ON m.manifest = l.manifest
      WHERE l.box = ? AND ${linked} ORDER BY l.number DESC LIMIT 1`,
    box,
  );
  return row && readManifest(row.content);
}

/** The chain is gapless but for what is explained; it ends here before the first number that is in dispute, or entered the log after the checkpoint. */
async function highestUnder(sql: Sql, box: number, size: number, disputed: number | null): Promise<number> {
  const ends = await sql.get<{ number: number | null }>(
    `SELECT min(l.number) AS number FROM chain_links l WHERE l.box = ? AND ${linked} AND (l.entry >= ? OR l.number >= ?)`,
    box,
    size,
    disputed ?? Number.MAX_SAFE_INTEGER,
  );
  const row = await sql.get<{ number: number | null }>(
    `SELECT max(l.number) AS number FROM chain_links l WHERE l.box = ? AND ${linked} AND l.number < ?`,
    box,
    ends?.number ?? Number.MAX_SAFE_INTEGER,
  );
  return row?.number ?? 0;
}

/** The manifests above what the box reported, lowest first, as many as one acknowledgement takes, each with its way to the checkpoint's root. */
export async function acknowledgedManifests(
  sql: Sql,
  box: number,
  { highest, reported }: Pick<BoxStanding, "highest" | "reported">,
  size: number,
): Promise<readonly AcknowledgedManifest[]> {
  const rows = await sql.all<Link & { readonly digest: Uint8Array; readonly salt: Uint8Array }>(
    `SELECT l.number, l.entry, m.digest, e.salt FROM chain_links l
      JOIN box_manifests m ON m.manifest = l.manifest JOIN entries e ON e.idx = l.entry
      WHERE l.box = ? AND ${linked} AND l.number > ? AND l.number <= ? ORDER BY l.number LIMIT ?`,
    box,
    reported.number,
    highest,
    mostAcknowledged,
  );
  const named: AcknowledgedManifest[] = [];
  for (const { digest, entry: index, number, salt } of rows) {
    const path = (await provenInclusion(sql, index, size)).map(hex);
    named.push({ digest: hex(digest), index, number, path, salt: hex(salt) });
  }
  return named;
}
