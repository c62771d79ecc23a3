/** One line of a manifest's list, without reading the others: a list may have 250,000 of them. */

import { setImmediate } from "node:timers/promises";
import { concat } from "../../manifests/encoding/bytes.ts";
import { readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { readListEntry, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Sql } from "../store/database.ts";
import { countPieces, pieceOf } from "./evidence.ts";
import { fileOf, listPath } from "./keep-manifest.ts";

const lineFeed = 0x0a;

/** Where a line begins that is whole within its piece. */
interface Found {
  readonly piece: number;
  readonly at: number;
  /** of that line; lines count from 1 without a gap */
  readonly index: number;
}

/**
 * The line of `index` of a manifest's documents.jsonl; undefined where its list ends before. Few of its pieces are read, by halves, and others get their turn before each.
 * Refuses STORE where a piece is missing or has another line there, JSON, SHAPE.
 */
export async function oneLine(sql: Sql, manifest: number, index: number): Promise<SealedDocument | undefined> {
  const file = await fileOf(sql, manifest, listPath);
  if (!file) throw new Refusal("STORE", "a manifest's list is not in the store", { about: listPath });
  const count = await countPieces(sql, file);
  let from: Found = { piece: 0, at: 0, index: 1 };
  for (let end = count; end - from.piece > 1; ) {
    const middle = Math.floor((from.piece + end) / 2);
    const found = firstWhole(middle, await nextPiece(sql, file, middle));
    // Only the last piece can be the end of a line and no more.
    if (found === undefined || found.index > index) end = middle;
    else from = found;
  }
  const leaf = await lineBehind(sql, file, count, from, index - from.index);
  return leaf && entryOf(leaf, index);
}

/** The line that so many lines stand before, from one that begins there. */
async function lineBehind(sql: Sql, file: Uint8Array, count: number, from: Found, before: number) {
  const parts: Uint8Array[] = [];
  let left = before;
  let { at } = from;
  for (let piece = from.piece; piece < count; piece++, at = 0) {
    const bytes = await nextPiece(sql, file, piece);
    for (; left > 0; left--) {
      const end = bytes.indexOf(lineFeed, at);
      if (end < 0) break;
      at = end + 1;
    }
    if (left > 0) continue;
    const end = bytes.indexOf(lineFeed, at);
    parts.push(bytes.subarray(at, end < 0 ? bytes.length : end));
    if (end >= 0) return concat(parts);
  }
  return undefined;
}

async function nextPiece(sql: Sql, file: Uint8Array, piece: number): Promise<Uint8Array> {
  // A query of the embedded engine ends before it returns: without this nobody else would come to anything.
  await setImmediate();
  return pieceOf(sql, file, piece);
}

function firstWhole(piece: number, bytes: Uint8Array): Found | undefined {
  const at = bytes.indexOf(lineFeed) + 1;
  const end = at === 0 ? -1 : bytes.indexOf(lineFeed, at);
  return end < 0 ? undefined : { piece, at, index: entryOf(bytes.subarray(at, end)).index };
}

function entryOf(leaf: Uint8Array, index?: number): SealedDocument {
  const entry = readListEntry(readCanonical(leaf), index === undefined ? "a line" : `line ${index}`);
  if (index === undefined || entry.index === index) return entry;
  throw new Refusal("STORE", "a line of a stored list is not in its place", {
    expected: `index ${index}`,
    got: `index ${entry.index}`,
    about: listPath,
  });
}
