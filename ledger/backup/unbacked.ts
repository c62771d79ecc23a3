/** What waits for a backup before it is published: for people who ask why nothing goes on. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import { treeHead } from "../log/tree-head.ts";
import { placeSettings } from "../publish/places.ts";
import { unpublishedSince } from "../serve/unpublished.ts";
import type { Sql } from "../store/database.ts";
import { type BackedUp, headBackedUp, readBackedUp } from "./backed-up.ts";

export interface Unbacked {
  /** entries that are stored and in no backup */
  readonly entries: number;
  /** when the first of them came in; null: nothing waits, or nobody knows */
  readonly since: Utc | null;
  /** the newest backup of this store, else null */
  readonly newest: BackedUp | null;
}

/** Null where the ledger does not wait for backups. Refuses CONFIG, STORE, LOG-RECORD. */
export async function unbackedIn(folder: string, sql: Sql): Promise<Unbacked | null> {
  if (!placeSettings(folder).afterBackup) return null;
  const made = readBackedUp(folder);
  const head = made === null ? undefined : await headBackedUp(sql, made);
  const held = head?.size ?? 0;
  const { size } = await treeHead(sql);
  const since = size > held ? await unpublishedSince(sql, held) : null;
  return { entries: size - held, since, newest: head === undefined ? null : made };
}
