/**
 * Holds the store against itself from the leaves up, in little memory: each record gives its digest and its leaf, the leaves give every tile, and the
 * roots give the tree head and each checkpoint that is shown.
 */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { equal, utf8 } from "../../manifests/encoding/bytes.ts";
import { type EntryType, leafOver, readRecord } from "../../manifests/log/entry.ts";
import { leafHash, MerkleRoot } from "../../manifests/records/merkle.ts";
import type { Sql } from "../store/database.ts";
import { TileCheck } from "./check-tiles.ts";
import type { Findings } from "./findings.ts";

/** A root that somebody has or had, to be found again at its size. */
export interface ShownRoot {
  readonly where: string;
  readonly size: number;
  readonly root: Uint8Array;
}

interface EntryRow {
  readonly idx: number;
  readonly type: EntryType;
  readonly salt: Uint8Array;
  readonly content: Uint8Array;
  readonly record: string;
}

const rowsAtOnce = 256;

/** What the entries give: their count, and the root of all of them. */
export async function checkLog(
  sql: Sql,
  shown: readonly ShownRoot[],
  findings: Findings,
): Promise<{ readonly size: number; readonly root: Uint8Array }> {
  const head = await sql.get<{ size: number; root: Uint8Array }>("SELECT size, root FROM tree_head WHERE one = 1");
  const roots = [...shown, ...(head ? [{ where: "the tree head", ...head }] : [])];
  findings.check(head !== undefined, "the tree head", "missing");
  const tree = new MerkleRoot(nodeHost);
  const tiles = new TileCheck(sql, findings);
  const bySize = Map.groupBy(roots, ({ size }) => size);
  // Said after the tiles, which are nearer to what was changed.
  const wrong = await wrongRoots(tree, bySize.get(0));
  for await (const row of entryRows(sql)) {
    if (row.idx !== tree.count) {
      findings.add(`entry ${tree.count}`, `missing: the next one there is ${row.idx}, what follows cannot be checked`);
      break;
    }
    const hash = await leafHash(nodeHost, await checkedLeaf(row, findings));
    await tree.add(hash);
    await tiles.add(hash);
    wrong.push(...(await wrongRoots(tree, bySize.get(tree.count))));
  }
  await tiles.end();
  for (const { size, where } of wrong) {
    const what = `another root than the first ${size} entries have: they were changed, or it is of another log`;
    findings.add(where, what);
  }
  for (const { where, size } of roots) {
    findings.check(size <= tree.count, where, `counts ${size} entries where the store has ${tree.count}`);
  }
  if (head) findings.check(head.size >= tree.count, `entry ${head.size}`, "more than the tree head counts");
  return { size: tree.count, root: await tree.root() };
}

async function* entryRows(sql: Sql): AsyncGenerator<EntryRow> {
  for (let next = 0; ; ) {
    const rows = await sql.all<EntryRow>(
      `SELECT idx, type, salt, content, record FROM entries WHERE idx >= ? ORDER BY idx LIMIT ${rowsAtOnce}`,
      next,
    );
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    next = last.idx + 1;
  }
}

/** The leaf that the row gives, whatever is wrong with it. */
async function checkedLeaf({ content, idx, record, salt, type }: EntryRow, findings: Findings): Promise<Uint8Array> {
  const bytes = utf8(record);
  findings.check(equal(sha256(bytes), content), `entry ${idx}`, "its record has another digest than was kept with it");
  try {
    findings.check(readRecord(bytes).type === type, `entry ${idx}`, "its record is of another type");
  } catch (fault) {
    findings.add(`entry ${idx}`, `its record cannot be read: ${(fault as Error).message}`);
  }
  return leafOver(nodeHost, salt, type, bytes);
}

/** Of the roots that are shown of a tree of this size, those that are not its. */
async function wrongRoots(tree: MerkleRoot, shown: readonly ShownRoot[] = []): Promise<ShownRoot[]> {
  if (shown.length === 0) return [];
  const root = await tree.root();
  return shown.filter((one) => !equal(one.root, root));
}
