/** The one row that says where the tree stands, and which process appends to it. */

import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Database, Sql } from "../store/database.ts";

export async function treeHead(sql: Sql): Promise<TreeHead> {
  const head = await sql.get<TreeHead>("SELECT size, root FROM tree_head WHERE one = 1");
  if (head) return head;
  throw new Refusal("LOG-RECORD", "the store does not say where its tree stands");
}

/**
 * Makes this process the one that appends; the epoch it gets counts for every `append`. Whoever had one before is refused from now on, also where it only
 * slept. Refuses STORE, BUSY.
 */
export function takeOver(db: Database): Promise<number> {
  return db.writing(async (sql) => {
    await sql.run("UPDATE tree_head SET epoch = epoch + 1 WHERE one = 1");
    const row = await sql.get<{ epoch: number }>("SELECT epoch FROM tree_head WHERE one = 1");
    if (row) return row.epoch;
    throw new Refusal("LOG-RECORD", "the store does not say where its tree stands");
  });
}

/** Locks the row until the transaction ends. Refuses BUSY where another process took over since `epoch`. */
export async function lockTree(sql: Sql, epoch: number): Promise<TreeHead> {
  // A change that changes nothing locks the row in every engine; the comparison is made under that lock.
  const rows = await sql.run("UPDATE tree_head SET epoch = epoch WHERE one = 1 AND epoch = ?", epoch);
  if (rows === 1) return treeHead(sql);
  throw new Refusal("BUSY", "another process appends to this log since", {
    expected: `epoch ${epoch}`,
    got: "a later one",
  });
}

export async function moveTree(sql: Sql, { root, size }: TreeHead): Promise<void> {
  await sql.run("UPDATE tree_head SET size = ?, root = ? WHERE one = 1", size, root);
}
