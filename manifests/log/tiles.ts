/**
 * Tiles (c2sp.org/tlog-tiles): the one form in which a log's tree and entries are kept and published. A tile is 256 hashes of one level in eight, or as
 * many as there are at the tree's right edge; an entry bundle is the 256 leaves below a tile of level 0.
 */

import { concat } from "../encoding/bytes.ts";
import { Refusal } from "../refusal.ts";
import { mostEntryBytes } from "./entry.ts";

/** Hashes of a full tile, entries of a full bundle. */
export const tileWidth = 256;
export const hashBytes = 32;
/** Hashes of level 6 stand for 2^48 leaves each; a tree has fewer than 2^53. */
const mostLevel = 6;

export interface Tile {
  /** 0: its hashes are of leaves; each level above, of the full tiles of the one below. "entries": a bundle */
  readonly level: number | "entries";
  /** from 0, within the level */
  readonly index: number;
  /** 1 to 256 */
  readonly width: number;
}

/** Where a tile stands below a log's prefix: `tile/0/x001/x234/067`, a partial one with `.p/WIDTH` behind. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = `${index}`.padStart(Math.ceil(`${index}`.length / 3) * 3, "0");
  const names = digits.match(/.{3}/g) as readonly string[];
  const path = names.map((name, at) => (at < names.length - 1 ? `x${name}` : name)).join("/");
  return `tile/${level}/${path}${width < tileWidth ? `.p/${width}` : ""}`;
}

/** Reads such a path. Refuses LOG-FORM what `tilePath` would not write. */
export function readTilePath(path: string): Tile {
  const [, level, names = "", width] =
    /^tile\/(0|[1-9]|entries)\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path) ?? [];
  const tile: Tile = {
    level: level === "entries" ? level : Number(level),
    index: Number(names.replace(/[x/]/g, "")),
    width: width === undefined ? tileWidth : Number(width),
  };
  const fits = tile.level === "entries" || tile.level <= mostLevel;
  if (level !== undefined && fits && Number.isSafeInteger(tile.index) && tilePath(tile) === path) return tile;
  throw new Refusal("LOG-FORM", "this is no path of a tile", {
    expected: "tile/LEVEL/INDEX or tile/entries/INDEX, with .p/WIDTH for a partial one",
    got: JSON.stringify(path.slice(0, 80)),
  });
}

/** The tiles of hashes that a tree of `size` has and one of `from` has not, level by level: `from` 0 gives all. */
export function* tilesBetween(from: number, size: number): Generator<Tile & { readonly level: number }> {
  for (let level = 0, old = from, now = size; now > old; level++) {
    const full = Math.floor(now / tileWidth);
    for (let index = Math.floor(old / tileWidth); index < full; index++) yield { level, index, width: tileWidth };
    if (now % tileWidth > 0) yield { level, index: full, width: now % tileWidth };
    old = Math.floor(old / tileWidth);
    now = full;
  }
}

/** The entry bundles, likewise. */
export function* bundlesBetween(from: number, size: number): Generator<Tile & { readonly level: "entries" }> {
  for (const { level, index, width } of tilesBetween(from, size)) {
    if (level > 0) return;
    yield { level: "entries", index, width };
  }
}

/** How wide a tile is in a tree of `size`; 0 where there is none. */
export function widthIn(size: number, level: number, index: number): number {
  const hashes = Math.floor(size / tileWidth ** level);
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth));
}

/** The hashes of a tile's bytes, which must be `width`. Refuses LOG-FORM. */
export function readTile(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  if (width < 1 || width > tileWidth || bytes.length !== width * hashBytes) {
    throw new Refusal("LOG-FORM", "a tile is not as long as its width says", {
      expected: `${width} times ${hashBytes} bytes, at most ${tileWidth} times`,
      got: `${bytes.length} bytes`,
    });
  }
  return Array.from({ length: width }, (_, at) => bytes.slice(at * hashBytes, (at + 1) * hashBytes));
}

/** An entry bundle: each leaf behind its length in two bytes. Refuses LOG-FORM what `readBundle` would not read. */
export function bundleBytes(leaves: readonly Uint8Array[]): Uint8Array {
  const bytes = concat(leaves.flatMap((leaf) => [Uint8Array.of(leaf.length >> 8, leaf.length & 0xff), leaf]));
  readBundle(bytes, leaves.length);
  return bytes;
}

/** The leaves of an entry bundle, which must be `width`. Refuses LOG-FORM other lengths, and a leaf of over 1 KiB. */
export function readBundle(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  const leaves: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length && leaves.length < tileWidth) {
    const length = ((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0);
    const leaf = bytes.slice(at + 2, at + 2 + length);
    if (at + 2 > bytes.length || leaf.length < length || length > mostEntryBytes) {
      throw new Refusal("LOG-FORM", "an entry bundle is cut short, or has an entry that is too long", {
        expected: `at most ${mostEntryBytes} bytes an entry, all of them there`,
        got: `${length} of ${bytes.length - at} left`,
      });
    }
    leaves.push(leaf);
    at += 2 + length;
  }
  if (at === bytes.length && leaves.length === width && width > 0) return leaves;
  throw new Refusal("LOG-FORM", "an entry bundle has another count of entries than its width says", {
    expected: `${width}, from 1 to ${tileWidth}`,
    got: at < bytes.length ? `more than ${leaves.length}` : `${leaves.length}`,
  });
}
