/** Proofs and openings out of the store, a few rows each, whatever the size of the log. */

import { nodeHost } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { type Opening, readRecord } from "../../manifests/log/entry.ts";
import { consistencyPath, inclusionPath, rootOf } from "../../manifests/log/tile-tree.ts";
import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Sql } from "../store/database.ts";
import { tilesIn } from "./tiles-in-store.ts";
import { treeHead } from "./tree-head.ts";

/** The siblings of an entry in the tree of the first `size` entries (RFC 9162 2.1.3.1). Refuses LOG-PROOF what there is none of, LOG-RECORD. */
export async function provenInclusion(sql: Sql, index: number, size: number): Promise<readonly Uint8Array[]> {
  await checkSize(sql, size);
  return inclusionPath(nodeHost, tilesIn(sql), { index, size });
}

/** That the tree of `size` grew out of that of `from` (2.1.4.1); from 0, and to itself, nothing is needed. Refuses as `provenInclusion`. */
export async function provenConsistency(sql: Sql, from: number, size: number): Promise<readonly Uint8Array[]> {
  await checkSize(sql, size);
  return consistencyPath(nodeHost, tilesIn(sql), { from, size });
}

/** The tree of the first `size` entries. Refuses as `provenInclusion`. */
export async function formerHead(sql: Sql, size: number): Promise<TreeHead> {
  await checkSize(sql, size);
  return { size, root: await rootOf(nodeHost, tilesIn(sql), size) };
}

/** What opens an entry: to be given only to whom the record concerns. Refuses LOG-PROOF an index behind the end, LOG-RECORD. */
export async function openingAt(sql: Sql, index: number): Promise<Opening> {
  const row = await sql.get<{ salt: Uint8Array; record: string }>(
    "SELECT salt, record FROM entries WHERE idx = ?",
    index,
  );
  if (row) return { record: readRecord(utf8(row.record)), salt: hex(row.salt) };
  const { size } = await treeHead(sql);
  if (index >= 0 && index < size)
    throw new Refusal("LOG-RECORD", "an entry of the log is missing in the store", { about: `${index}` });
  throw new Refusal("LOG-PROOF", "the log has no such entry", { expected: `an index below ${size}`, got: `${index}` });
}

async function checkSize(sql: Sql, size: number): Promise<void> {
  const head = await treeHead(sql);
  if (Number.isSafeInteger(size) && size >= 0 && size <= head.size) return;
  throw new Refusal("LOG-PROOF", "the log was never of this size", {
    expected: `at most ${head.size}`,
    got: `${size}`,
  });
}
