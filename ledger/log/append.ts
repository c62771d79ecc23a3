/** Appending: records in, their places in the log out. Entries, tiles and tree head are one transaction, the caller's. */

import { nodeHost } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { type LogRecord, WrittenRecord } from "../../manifests/log/entry.ts";
import { rootOf } from "../../manifests/log/tile-tree.ts";
import type { Sql } from "../store/database.ts";
import { grownTiles, withGrown } from "./grow.ts";
import { SaltedRecord, saltRecords } from "./salted-records.ts";
import { insertTiles, tilesIn } from "./tiles-in-store.ts";
import { lockTree, moveTree } from "./tree-head.ts";

/** Where a record stands, from now on for ever. */
export interface Place {
  readonly index: number;
  /** drawn when the record was first appended */
  readonly salt: Uint8Array;
  /** false: it was there before, and nothing was added for it */
  readonly fresh: boolean;
}

/** Records, or what was made of them for the log. */
export type Appended = readonly LogRecord[] | readonly SaltedRecord[];

/** Digests looked up in one statement. */
const lookedUpAtOnce = 200;

/**
 * Appends what is not there yet, in the order given, and says for each record where it stands; a record that is there (by its content, also twice in one call)
 * keeps its place and its salt. `epoch` is from `takeOver`. Nothing counts before the transaction is committed. Refuses BUSY where another process took over,
 * LOG-FORM what is no record, STORE.
 */
export async function append(sql: Sql, epoch: number, records: Appended): Promise<readonly Place[]> {
  const { size } = await lockTree(sql, epoch);
  const given = areSalted(records) ? records : await saltRecords(records.map(WrittenRecord.of));
  const known = given.map(({ content }) => hex(content));
  const places = await placesOf(sql, given);
  const rows: [number, string, Uint8Array, Uint8Array, string][] = [];
  const leaves: Uint8Array[] = [];
  for (const [at, { content, leaf, record, salt, type }] of given.entries()) {
    const name = known[at] as string;
    if (places.has(name)) continue;
    const index = size + rows.length;
    places.set(name, { index, salt, fresh: true });
    rows.push([index, type, salt, content, record]);
    leaves.push(leaf);
  }
  if (rows.length > 0) {
    await sql.insert("entries", ["idx", "type", "salt", "content", "record"], rows);
    await growTree(sql, size, leaves);
  }
  return inOrder(known, places);
}

function areSalted(records: Appended): records is readonly SaltedRecord[] {
  return records.every((one) => one instanceof SaltedRecord);
}

async function growTree(sql: Sql, from: number, leaves: readonly Uint8Array[]): Promise<void> {
  const tiles = await grownTiles(tilesIn(sql), from, leaves);
  await insertTiles(sql, tiles);
  const size = from + leaves.length;
  await moveTree(sql, { size, root: await rootOf(nodeHost, withGrown(tilesIn(sql), tiles), size) });
}

/** Of those that are in the log, by the digest of their content, in hex. */
async function placesOf(sql: Sql, given: readonly SaltedRecord[]): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  for (let at = 0; at < given.length; at += lookedUpAtOnce) {
    const asked = given.slice(at, at + lookedUpAtOnce).map(({ content }) => content);
    const marks = asked.map(() => "?").join(", ");
    const rows = await sql.all<{ idx: number; salt: Uint8Array; content: Uint8Array }>(
      `SELECT idx, salt, content FROM entries WHERE content IN (${marks})`,
      ...asked,
    );
    for (const { idx, salt, content } of rows) places.set(hex(content), { index: idx, salt, fresh: false });
  }
  return places;
}

/** The first of a record that stands twice in one call is the fresh one. */
function inOrder(known: readonly string[], places: ReadonlyMap<string, Place>): readonly Place[] {
  const seen = new Set<number>();
  return known.map((name) => {
    const place = places.get(name) as Place;
    const first = !seen.has(place.index);
    seen.add(place.index);
    return { ...place, fresh: place.fresh && first };
  });
}
