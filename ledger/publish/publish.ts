/**
 * Publishing (c2sp.org/tlog-tiles): the tiles and entry bundles that a checkpoint stands on are durable in a place before the checkpoint is there. What is
 * published is read from the store alone; leaves are salted digests, so nothing of a record is in it.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { equal, utf8 } from "../../manifests/encoding/bytes.ts";
import { type Checkpoint, readCheckpoint } from "../../manifests/log/checkpoint.ts";
import { type EntryType, leafOver } from "../../manifests/log/entry.ts";
import {
  bundleBytes,
  bundlesBetween,
  hashBytes,
  type Tile,
  tilePath,
  tilesBetween,
  tileWidth,
} from "../../manifests/log/tiles.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Ledger } from "../ledger-folder.ts";
import { formerHead } from "../log/proofs.ts";
import { tilesIn } from "../log/tiles-in-store.ts";
import { treeHead } from "../log/tree-head.ts";
import type { Database, Sql } from "../store/database.ts";
import { type AppendOnly, checkpointFile, type Place, type PublishedFile } from "./place.ts";

export interface Published {
  /** entries that the place's checkpoint counts now */
  readonly size: number;
  /** false: the place had this checkpoint, or one of a larger tree, already */
  readonly changed: boolean;
  readonly appendOnly: AppendOnly;
}

/**
 * Publishes a checkpoint that was signed and kept, with all that it needs, in one place. Doing it again, and with an older checkpoint, changes nothing.
 * `anew`: everything is held against the place once more, not only what came since its last checkpoint. Refuses LOG-RECORD a checkpoint that is not the store's, and a place
 * that shows something else than the store holds (another tree, a larger one, changed files); STORE a place that cannot be used: the others are not concerned.
 */
export async function publish(
  { db, origin }: Pick<Ledger, "db" | "origin">,
  place: Place,
  checkpoint: Uint8Array,
  { anew = false } = {},
): Promise<Published> {
  const { size } = await checkedAgainstStore(db, origin, checkpoint, "a checkpoint");
  const there = await place.read(checkpointFile);
  const former = there ? (await checkedAgainstStore(db, origin, there, place.name)).size : 0;
  if (former > size) return { size: former, changed: false, appendOnly: "not asked for" };
  const appendOnly = await place.keep(filesBetween(db, anew ? 0 : former, size));
  // Another process may have published meanwhile: a log never shrinks for its readers.
  const now = await place.read(checkpointFile);
  const isSame = now === undefined || (there !== undefined && equal(now, there));
  const latest = isSame ? former : (await checkedAgainstStore(db, origin, now, place.name)).size;
  if (latest > size) return { size: latest, changed: false, appendOnly };
  const changed = now === undefined || !equal(now, checkpoint);
  if (changed) await place.putCheckpoint(checkpoint);
  return { size, changed, appendOnly };
}

/** What a log of `size` has published and one of `from` has not: tiles of hashes, then entry bundles. */
export async function* filesBetween(db: Database, from: number, size: number): AsyncGenerator<PublishedFile> {
  for (const tile of tilesBetween(from, size)) {
    const hashes = await db.reading((sql) => tilesIn(sql)(tile));
    yield { path: tilePath(tile), bytes: hashes.slice(0, tile.width * hashBytes) };
  }
  for (const bundle of bundlesBetween(from, size)) {
    yield { path: tilePath(bundle), bytes: await db.reading((sql) => entryBundle(sql, bundle)) };
  }
}

/** An entry bundle out of the store. Refuses LOG-RECORD where entries are missing. */
export async function entryBundle(sql: Sql, { index, width }: Tile): Promise<Uint8Array> {
  const first = index * tileWidth;
  const rows = await sql.all<{ salt: Uint8Array; type: EntryType; record: string }>(
    "SELECT salt, type, record FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx",
    first,
    first + width,
  );
  if (rows.length !== width) {
    throw new Refusal("LOG-RECORD", "entries of the log are missing in the store", {
      expected: `${first} to ${first + width - 1}`,
      got: `${rows.length} of them`,
    });
  }
  const leaves = rows.map(({ record, salt, type }) => leafOver(nodeHost, salt, type, utf8(record)));
  return bundleBytes(await Promise.all(leaves));
}

/** Whether it is of this log, and of a tree that the store's grew out of. Its signatures were checked when it was made. */
async function checkedAgainstStore(db: Database, origin: string, note: Uint8Array, whose: string): Promise<Checkpoint> {
  const checkpoint = readCheckpoint(note);
  if (checkpoint.origin !== origin) {
    throw new Refusal("LOG-RECORD", "a checkpoint is of another log", {
      expected: origin,
      got: checkpoint.origin,
      about: whose,
    });
  }
  const head = await db.reading(treeHead);
  if (checkpoint.size > head.size) {
    throw new Refusal("LOG-RECORD", "a checkpoint counts more entries than the store has: the store is an older one", {
      expected: `at most ${head.size}`,
      got: `${checkpoint.size}`,
      about: whose,
    });
  }
  const { root } = await db.reading((sql) => formerHead(sql, checkpoint.size));
  if (equal(root, checkpoint.root)) return checkpoint;
  throw new Refusal("LOG-RECORD", "a checkpoint has another root than the store's tree had at that size", {
    about: whose,
  });
}
