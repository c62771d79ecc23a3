/** Manifests of a box as the ledger has them: for `coldseal ledger list FOLDER BOX` and `show`. */

import { hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type Manifest, readManifest } from "../../manifests/records/manifest.ts";
import { batchOf } from "../../manifests/verify/verdict.ts";
import { linked, openDisputes } from "../boxes/chain-rows.ts";
import type { EnrolledBox } from "../boxes/enrolled.ts";
import type { Sql } from "../store/database.ts";

/** "chained": in the log. "waits" for a number before it, or behind a dispute. "disputed". "lost" by a decision. */
export type ManifestStanding = "chained" | "waits" | "disputed" | "lost";

export interface ManifestAnswer {
  readonly number: number;
  readonly digest: string;
  readonly previous: string;
  /** as the box claims */
  readonly created: Utc;
  readonly arrived: Utc;
  readonly mode: Manifest["mode"];
  readonly outcome: Manifest["outcome"];
  /** null where there were plain envelopes, which have no id */
  readonly batch: string | null;
  readonly submitter: string;
  readonly documents: number;
  readonly seals: { readonly count: number; readonly state: "verified" | "by digest" };
  readonly standing: ManifestStanding;
  /** the number has more than one content here, or its place is in dispute */
  readonly inDispute: boolean;
  /** index in the log; null while it is not in it */
  readonly entry: number | null;
  /** by what it came into the chain */
  readonly via: string | null;
  readonly policy: number;
  readonly approvers: Manifest["authorization"]["approvers"];
  readonly reason: string | null;
  readonly emergency: { readonly cause: string; readonly since: Utc; readonly order: string } | null;
}

interface Row {
  readonly manifest: number;
  readonly digest: Uint8Array;
  readonly content: Uint8Array;
  readonly arrived: string;
  readonly entry: number | null;
  readonly via: string | null;
  readonly lost: number;
  readonly verified: number;
}

const rows = `SELECT m.manifest, m.digest, m.content, m.arrived, l.entry, l.via,
  EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest) AS lost,
  EXISTS (SELECT 1 FROM seals_verified v WHERE v.manifest = m.manifest) AS verified
  FROM box_manifests m LEFT JOIN chain_links l ON l.manifest = m.manifest AND ${linked}`;

/** Those of some numbers, in order. */
export async function manifestAnswers(
  sql: Sql,
  { box }: Pick<EnrolledBox, "box">,
  from: number,
  to: number,
): Promise<readonly ManifestAnswer[]> {
  const found = await sql.all<Row>(
    `${rows} WHERE m.box = ? AND m.number BETWEEN ? AND ? ORDER BY m.number, m.manifest`,
    box,
    from,
    to,
  );
  const disputes = new Set((await openDisputes(sql, box)).map(({ number }) => number));
  return found.map((row) => answerOf(row, disputes));
}

/** One row. */
export async function manifestAnswer(sql: Sql, box: number, manifest: number): Promise<ManifestAnswer | undefined> {
  const row = await sql.get<Row>(`${rows} WHERE m.manifest = ?`, manifest);
  return row && answerOf(row, new Set((await openDisputes(sql, box)).map(({ number }) => number)));
}

/** Highest number of which anything is here. */
export async function lastNumber(sql: Sql, box: number): Promise<number> {
  const row = await sql.get<{ number: number | null }>(
    "SELECT max(number) AS number FROM box_manifests WHERE box = ?",
    box,
  );
  return row?.number ?? 0;
}

function answerOf(
  { arrived, content, digest, entry, lost, verified, via }: Row,
  disputes: ReadonlySet<number>,
): ManifestAnswer {
  const manifest = readManifest(content);
  const { authorization, created, documents, emergency, mode, number, outcome, policy, previous, reason, request } =
    manifest;
  const inDispute = disputes.has(number);
  return {
    number,
    digest: hex(digest),
    previous,
    created,
    arrived,
    mode,
    outcome,
    batch: batchOf(manifest),
    submitter: request.submitter.name,
    documents: documents.count,
    seals: { count: documents.sealed, state: verified !== 0 ? "verified" : "by digest" },
    standing: lost !== 0 ? "lost" : entry !== null ? "chained" : inDispute ? "disputed" : "waits",
    inDispute,
    entry,
    via,
    policy: policy.number,
    approvers: authorization.approvers,
    reason,
    emergency: emergency ? { cause: emergency.cause, since: emergency.since, order: emergency.order } : null,
  };
}
