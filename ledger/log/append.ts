/** Appending: records in, their places in the log out. Entries, tiles and tree head are one transaction, the caller's. */

import { randomBytes } from "node:crypto";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import { type LogRecord, leafOver, saltBytes, WrittenRecord } from "../../manifests/log/entry.ts";
import { rootOf } from "../../manifests/log/tile-tree.ts";
import { leafHash } from "../../manifests/records/merkle.ts";
import type { Sql } from "../store/database.ts";
import { grownTiles, withGrown } from "./grow.ts";
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

/** Records, or what they are as canonical JSON. */
export type Appended = readonly LogRecord[] | readonly WrittenRecord[];

/** Digests looked up in one statement. */
const lookedUpAtOnce = 200;

/**
 * Appends what is not there yet, in the order given, and says for each record where it stands; a record that is there (by its content, also twice in one call)
 * keeps its place and its salt. `epoch` is from `takeOver`. Nothing counts before the transaction is committed. Refuses BUSY where another process took over,
 * LOG-FORM what is no record, STORE.
 */
export async function append(sql: Sql, epoch: number, records: Appended): Promise<readonly Place[]> {
  const { size } = await lockTree(sql, epoch);
  const given = records.map((record) => {
    const { bytes, type } = record instanceof WrittenRecord ? record : WrittenRecord.of(record);
    const content = sha256(bytes);
    return { type, bytes, content, known: hex(content) };
  });
  const places = await placesOf(
    sql,
    given.map(({ content }) => content),
  );
  const fresh = given.filter(({ known }) => !places.has(known));
  const rows: [number, string, Uint8Array, Uint8Array, string][] = [];
  const leaves: Uint8Array[] = [];
  const salts = new Uint8Array(randomBytes(saltBytes * fresh.length));
  for (const { type, bytes, content, known } of fresh) {
    if (places.has(known)) continue;
    const index = size + rows.length;
    const salt = salts.slice(rows.length * saltBytes, (rows.length + 1) * saltBytes);
    places.set(known, { index, salt, fresh: true });
    rows.push([index, type, salt, content, fromUtf8(bytes)]);
    leaves.push(await leafHash(nodeHost, await leafOver(nodeHost, salt, type, bytes)));
  }
  if (rows.length > 0) {
    await sql.insert("entries", ["idx", "type", "salt", "content", "record"], rows);
    await growTree(sql, size, leaves);
  }
  return inOrder(given, places);
}

async function growTree(sql: Sql, from: number, leaves: readonly Uint8Array[]): Promise<void> {
  const tiles = await grownTiles(tilesIn(sql), from, leaves);
  await insertTiles(sql, tiles);
  const size = from + leaves.length;
  await moveTree(sql, { size, root: await rootOf(nodeHost, withGrown(tilesIn(sql), tiles), size) });
}

/** By the digest of their content, in hex. */
async function placesOf(sql: Sql, contents: readonly Uint8Array[]): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  for (let at = 0; at < contents.length; at += lookedUpAtOnce) {
    const asked = contents.slice(at, at + lookedUpAtOnce);
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
function inOrder(given: readonly { readonly known: string }[], places: ReadonlyMap<string, Place>): readonly Place[] {
  const seen = new Set<number>();
  return given.map(({ known }) => {
    const place = places.get(known) as Place;
    const first = !seen.has(place.index);
    seen.add(place.index);
    return { ...place, fresh: place.fresh && first };
  });
}
