/** Holds the store's tiles against leaf hashes, one after another: every row, of whatever width, and that none is missing or too many. */

import { nodeHost } from "../../host/crypto-host.ts";
import { concat, equal } from "../../manifests/encoding/bytes.ts";
import { subtreeRoot } from "../../manifests/log/tile-tree.ts";
import { hashBytes, tilePath, tileWidth } from "../../manifests/log/tiles.ts";
import type { Sql } from "../store/database.ts";
import type { Findings } from "./findings.ts";

interface Edge {
  /** of the tile under way */
  index: number;
  hashes: Uint8Array[];
}

export class TileCheck {
  readonly #sql: Sql;
  readonly #findings: Findings;
  readonly #levels: Edge[] = [];

  constructor(sql: Sql, findings: Findings) {
    this.#sql = sql;
    this.#findings = findings;
  }

  async add(leafHash: Uint8Array): Promise<void> {
    await this.#push(0, leafHash);
  }

  /** When all leaves were added: the tiles at the right edge, and rows that no tree of this size has. */
  async end(): Promise<void> {
    for (const [level, { index, hashes }] of this.#levels.entries()) {
      if (hashes.length > 0) await this.#checkRows(level, index, concat(hashes));
      // A tile that was full is behind the edge.
      await this.#checkNoMore("level = ? AND idx > ?", level, hashes.length > 0 ? index : index - 1);
    }
    await this.#checkNoMore("level >= ? AND idx >= ?", this.#levels.length, 0);
  }

  async #push(level: number, hash: Uint8Array): Promise<void> {
    this.#levels[level] ??= { index: 0, hashes: [] };
    const edge = this.#levels[level];
    edge.hashes.push(hash);
    if (edge.hashes.length < tileWidth) return;
    const hashes = concat(edge.hashes);
    await this.#checkRows(level, edge.index, hashes);
    edge.hashes = [];
    edge.index++;
    await this.#push(level + 1, await subtreeRoot(nodeHost, hashes));
  }

  async #checkRows(level: number, index: number, hashes: Uint8Array): Promise<void> {
    const wanted = hashes.length / hashBytes;
    const rows = await this.#sql.all<{ width: number; hashes: Uint8Array }>(
      "SELECT width, hashes FROM tiles WHERE level = ? AND idx = ? ORDER BY width",
      level,
      index,
    );
    const where = (width: number) => `row of ${tilePath({ level, index, width })}`;
    for (const row of rows) {
      const same = row.width <= wanted && equal(row.hashes, hashes.subarray(0, row.width * hashBytes));
      this.#findings.check(same, where(row.width), "other hashes than the entries give");
    }
    this.#findings.check(
      rows.some(({ width }) => width === wanted),
      where(wanted),
      "missing",
    );
  }

  async #checkNoMore(condition: string, level: number, index: number): Promise<void> {
    const rows = await this.#sql.all<{ level: number; idx: number; width: number }>(
      `SELECT level, idx, width FROM tiles WHERE ${condition} ORDER BY level, idx, width LIMIT 100`,
      level,
      index,
    );
    for (const { idx, ...row } of rows) {
      this.#findings.add(`row of ${tilePath({ ...row, index: idx })}`, "more than the tree has");
    }
  }
}
