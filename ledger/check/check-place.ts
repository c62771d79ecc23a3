/** Holds a place where the log is published against the store: every file that its checkpoint needs, and every other that stands there. */

import { equal } from "../../manifests/encoding/bytes.ts";
import { readCheckpoint } from "../../manifests/log/checkpoint.ts";
import type { HashTile } from "../../manifests/log/tile-tree.ts";
import { hashBytes, readTilePath, type Tile, tilePath, widthIn } from "../../manifests/log/tiles.ts";
import { inOneLine, Refusal } from "../../manifests/refusal.ts";
import { tilesIn } from "../log/tiles-in-store.ts";
import { treeHead } from "../log/tree-head.ts";
import { checkpointFile, type Place } from "../publish/place.ts";
import { entryBundle, filesBetween } from "../publish/publish.ts";
import type { Database, Sql } from "../store/database.ts";
import { checkPublished } from "./check-steps.ts";
import type { Findings } from "./findings.ts";

/** Its checkpoint's size; 0 where it has none, which is no fault where none was published. `signs`: the ledger has keys. The checkpoint's root is `checkLog`'s matter. */
export async function checkPlace(db: Database, place: Place, signs: boolean, findings: Findings): Promise<number> {
  let size = 0;
  try {
    const checkpoint = await place.read(checkpointFile);
    size = checkpoint ? readCheckpoint(checkpoint).size : 0;
    const shown = { name: place.name, size: checkpoint && size };
    await db.reading((sql) => checkPublished(sql, shown, signs, findings));
    const head = await db.reading(treeHead);
    // What the store has not got cannot be compared.
    if (size > head.size) return size;
    await checkNeeded(db, place, size, findings);
    await checkOthers(db, place, size, findings);
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    findings.add(place.name, `cannot be checked to its end: ${inOneLine(fault.toRecord())}`);
  }
  return size;
}

async function checkNeeded(db: Database, place: Place, size: number, findings: Findings): Promise<void> {
  for await (const { path, bytes } of filesBetween(db, 0, size)) {
    const there = await place.read(path);
    const where = `${place.name}/${path}`;
    if (there === undefined) findings.add(where, "missing");
    else findings.check(equal(there, bytes), where, "other bytes than the store gives");
  }
}

/** Partial tiles of earlier checkpoints, and what was written before a crash came between it and its checkpoint. */
async function checkOthers(db: Database, place: Place, size: number, findings: Findings): Promise<void> {
  for await (const path of place.paths()) {
    const where = `${place.name}/${path}`;
    const tile = tileAt(path);
    if (tile === undefined) {
      findings.add(where, "no file of a log");
      continue;
    }
    const level = tile.level === "entries" ? 0 : tile.level;
    if (widthIn(size, level, tile.index) === tile.width) continue;
    const wanted = await db.reading((sql) => tileInStore(sql, tile, level));
    const there = await place.read(path);
    if (wanted === undefined) findings.add(where, "more than the log has");
    else findings.check(there !== undefined && equal(there, wanted), where, "other bytes than the store gives");
  }
}

async function tileInStore(sql: Sql, tile: Tile, level: number): Promise<Uint8Array | undefined> {
  const { size } = await treeHead(sql);
  if (widthIn(size, level, tile.index) < tile.width) return undefined;
  if (tile.level === "entries") return entryBundle(sql, tile);
  return (await tilesIn(sql)(tile as HashTile)).slice(0, tile.width * hashBytes);
}

function tileAt(path: string): Tile | undefined {
  try {
    const tile = readTilePath(path);
    return tilePath(tile) === path ? tile : undefined;
  } catch (fault) {
    if (fault instanceof Refusal) return undefined;
    throw fault;
  }
}
