/** The log's tiles as the store keeps them: a row for each width that a tile once had. */

import type { TileSource } from "../../manifests/log/tile-tree.ts";
import { tilePath } from "../../manifests/log/tiles.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Sql } from "../store/database.ts";
import type { GrownTile } from "./grow.ts";

/** Reads the narrowest row that is as wide as is asked. Refuses LOG-RECORD where there is none: the store lost it. */
export function tilesIn(sql: Sql): TileSource {
  return async (tile) => {
    const row = await sql.get<{ hashes: Uint8Array }>(
      "SELECT hashes FROM tiles WHERE level = ? AND idx = ? AND width >= ? ORDER BY width LIMIT 1",
      tile.level,
      tile.index,
      tile.width,
    );
    if (row) return row.hashes;
    throw new Refusal("LOG-RECORD", "a tile of the log is missing in the store", { about: tilePath(tile) });
  };
}

export function insertTiles(sql: Sql, tiles: readonly GrownTile[]): Promise<void> {
  return sql.insert(
    "tiles",
    ["level", "idx", "width", "hashes"],
    tiles.map(({ level, index, width, hashes }) => [level, index, width, hashes]),
  );
}
