/** How long what is stored has not been in a checkpoint that is published in every place. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Sql } from "../store/database.ts";

/** When the first of the entries from `size` on came in; null: there are none. */
export async function unpublishedSince(sql: Sql, size: number): Promise<Utc | null> {
  const row = await sql.get<{ since: string | null }>(
    `SELECT min(since) AS since FROM (SELECT min(chained) AS since FROM chain_links WHERE entry >= ?
      UNION ALL SELECT min(arrived) FROM box_records WHERE entry >= ? UNION ALL SELECT min(decided) FROM decisions WHERE entry >= ?) AS waiting`,
    ...[size, size, size],
  );
  return row?.since ?? null;
}
