/** Evidence of time as it leaves the ledger: NUMBER.ers for a box, a file for a bundle, a record for one seal. Every record is read back against what it is over first. */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { listLeaf, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkEvidence } from "../../manifests/time/check-evidence.ts";
import { lineGroup } from "../../manifests/verify/seal-evidence.ts";
import { type BundleSource, readSmall } from "../../manifests/verify/source.ts";
import { latestOf, recordGroup } from "../../manifests/verify/time-evidence.ts";
import { linked } from "../boxes/chain-rows.ts";
import type { Sql } from "../store/database.ts";
import { recordHashes } from "./groups.ts";
import { recordsOf } from "./records.ts";
import { standingRound } from "./stored-chains.ts";
import { anchored } from "./tables.ts";

export interface GivenRecord {
  readonly der: Uint8Array;
  readonly round: number;
  /** what it is over existed then at the latest */
  readonly time: Utc;
}

/** Over the record of a manifest. Refuses LEDGER-TIME where it waits, STORE where what is stored does not hold. */
export async function batchRecord(sql: Sql, manifest: number): Promise<GivenRecord> {
  const round = await roundOver(sql, manifest);
  const der = (await recordsOf(sql, round, manifest))(0);
  return { der, round, time: await timeOf(der, (hash) => recordHashes(sql, manifest, hash)) };
}

/** Over the manifest's content and one line of its list. Refuses as `batchRecord`. */
export async function lineRecord(sql: Sql, manifest: number, line: SealedDocument): Promise<GivenRecord> {
  const round = await roundOver(sql, manifest);
  const row = await sql.get<{ content: Uint8Array }>("SELECT content FROM box_manifests WHERE manifest = ?", manifest);
  const der = (await recordsOf(sql, round, manifest))(line.index);
  const group = lineGroup(nodeHost, row?.content ?? new Uint8Array(0), listLeaf(line));
  return { der, round, time: await timeOf(der, group) };
}

/** Over the record of a bundle that somebody has. Refuses LEDGER-GAP a manifest that is not here, TIME-IMPRINT another copy than the one that was stamped, and as `batchRecord`. */
export async function bundleRecord(sql: Sql, source: BundleSource): Promise<GivenRecord> {
  const { content } = readSignedData(await readSmall(source, "manifest.p7m"));
  const row = await sql.get<{ manifest: number }>(
    "SELECT manifest FROM box_manifests WHERE digest = ?",
    sha256(content ?? new Uint8Array(0)),
  );
  if (!row) {
    throw new Refusal("LEDGER-GAP", "this bundle's manifest did not come into the ledger", { about: "manifest.p7m" });
  }
  const given = await batchRecord(sql, row.manifest);
  await checkEvidence(nodeHost, given.der, recordGroup(nodeHost, source));
  return given;
}

/** The highest number of a box's chain that evidence is over, which is over all before it; or one that is asked for. Refuses LEDGER-TIME, LEDGER-GAP, STORE. */
export async function boxRecord(
  sql: Sql,
  box: number,
  wanted: number | undefined,
): Promise<GivenRecord & { readonly number: number }> {
  const only = wanted === undefined ? `${anchored} ORDER BY l.number DESC LIMIT 1` : "l.number = ?";
  const row = await sql.get<{ manifest: number; number: number }>(
    `SELECT l.manifest, l.number FROM chain_links l JOIN box_manifests m ON m.manifest = l.manifest
      WHERE l.box = ? AND ${linked} AND ${only}`,
    ...(wanted === undefined ? [box] : [box, wanted]),
  );
  if (row) return { ...(await batchRecord(sql, row.manifest)), number: row.number };
  if (wanted !== undefined) {
    throw new Refusal("LEDGER-GAP", `number ${wanted} is not in the chain of this box`, { got: "none" });
  }
  throw new Refusal("LEDGER-TIME", "no manifest in the chain of this box has evidence of time yet", { got: "none" });
}

/** The row of a manifest by the digest of its content. */
export async function rowOf(sql: Sql, digest: string): Promise<number> {
  const row = await sql.get<{ manifest: number }>(
    "SELECT manifest FROM box_manifests WHERE digest = ?",
    fromHex(digest),
  );
  if (row) return row.manifest;
  throw new Refusal("LEDGER-GAP", "no such manifest is here", { got: digest });
}

async function roundOver(sql: Sql, manifest: number): Promise<number> {
  const round = await standingRound(sql, manifest);
  if (round !== undefined) return round;
  const row = await sql.get<{ number: number; arrived: string }>(
    "SELECT number, arrived FROM box_manifests WHERE manifest = ?",
    manifest,
  );
  throw new Refusal("LEDGER-TIME", `manifest ${row?.number ?? "?"} waits for evidence of time`, {
    got: `none since it came in, ${row?.arrived ?? "?"}`,
  });
}

async function timeOf(der: Uint8Array, group: Parameters<typeof checkEvidence>[2]): Promise<Utc> {
  try {
    const [first] = await checkEvidence(nodeHost, der, group);
    if (first) return latestOf(first.info);
  } catch (cause) {
    throw new Refusal("STORE", "the evidence of time in the store does not hold", { cause });
  }
  throw new Refusal("STORE", "evidence of time without a time-stamp");
}
