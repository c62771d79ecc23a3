/**
 * Roots and proofs of a log's tree (RFC 9162 2.1) out of its tiles, wherever these are: a few tiles each, however large the tree. Nothing of a tile is
 * believed that a check of the proof would not find.
 */

import type { Host } from "../host.ts";
import { nodeHash } from "../records/merkle.ts";
import { Refusal } from "../refusal.ts";
import { hashBytes, type Tile, tileWidth, widthIn } from "./tiles.ts";
import { emptyRoot } from "./tree-proof.ts";

export type HashTile = Tile & { readonly level: number };

/** The hashes of a tile, at least as many as its width; more are passed over. Refuses in its own way where it has not got it. */
export type TileSource = (tile: HashTile) => Promise<Uint8Array>;

/** The root of the first `size` leaves (2.1.1). */
export async function rootOf(host: Host, tiles: TileSource, size: number): Promise<Uint8Array> {
  return size === 0 ? emptyRoot : new Reader(host, tiles, size).range(0, size);
}

/** Siblings from the leaf up (2.1.3.1). Refuses LOG-PROOF an index that is not below `size`. */
export async function inclusionPath(
  host: Host,
  tiles: TileSource,
  { index, size }: { readonly index: number; readonly size: number },
): Promise<readonly Uint8Array[]> {
  if (index < 0 || index >= size || !Number.isSafeInteger(index)) {
    throw new Refusal("LOG-PROOF", "the tree has no such entry", {
      expected: `an index below ${size}`,
      got: `${index}`,
    });
  }
  const reader = new Reader(host, tiles, size);
  const down: Uint8Array[] = [];
  for (let [start, end] = [0, size]; end - start > 1; ) {
    const middle = start + below(end - start);
    if (index < middle) {
      down.push(await reader.range(middle, end));
      end = middle;
    } else {
      down.push(await reader.range(start, middle));
      start = middle;
    }
  }
  return down.reverse();
}

/** What shows that the tree of `size` has the first `from` leaves of its former self in front (2.1.4.1). Refuses LOG-PROOF a `from` that is larger. */
export async function consistencyPath(
  host: Host,
  tiles: TileSource,
  { from, size }: { readonly from: number; readonly size: number },
): Promise<readonly Uint8Array[]> {
  if (from < 0 || from > size || !Number.isSafeInteger(from)) {
    throw new Refusal("LOG-PROOF", "the tree was never of this size", { expected: `at most ${size}`, got: `${from}` });
  }
  if (from === 0 || from === size) return [];
  const reader = new Reader(host, tiles, size);
  const down: Uint8Array[] = [];
  let [start, end] = [0, size];
  // The part of the tree that the former one ends in; until it is all of it, the path needs what stands beside.
  while (from < end) {
    const middle = start + below(end - start);
    if (from <= middle) {
      down.push(await reader.range(middle, end));
      end = middle;
    } else {
      down.push(await reader.range(start, middle));
      start = middle;
    }
  }
  // Where that part is the former tree's whole, its root is known.
  if (start > 0) down.push(await reader.range(start, end));
  return down.reverse();
}

/** Nodes of one tree; a tile is asked for once. */
class Reader {
  readonly #host: Host;
  readonly #source: TileSource;
  readonly #size: number;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  constructor(host: Host, source: TileSource, size: number) {
    this.#host = host;
    this.#source = source;
    this.#size = size;
  }

  /** MTH(D[start:end]): a full subtree is in a tile, any other is put together of two. */
  async range(start: number, end: number): Promise<Uint8Array> {
    const count = end - start;
    const left = below(count);
    if (left * 2 === count || count === 1) return this.#full(start, count);
    return nodeHash(this.#host, await this.range(start, start + left), await this.range(start + left, end));
  }

  /** The root of a full subtree of `count` leaves, a power of two: one hash of a tile, or several of one that are hashed up. */
  async #full(start: number, count: number): Promise<Uint8Array> {
    let level = 0;
    let hashes = count;
    for (; hashes >= tileWidth; hashes /= tileWidth) level++;
    const first = start / tileWidth ** level;
    const at = (first % tileWidth) * hashBytes;
    const tile = await this.#tile(level, Math.floor(first / tileWidth));
    return subtreeRoot(this.#host, tile.subarray(at, at + hashes * hashBytes));
  }

  #tile(level: number, index: number): Promise<Uint8Array> {
    const key = `${level} ${index}`;
    const tile = this.#tiles.get(key) ?? this.#fetch({ level, index, width: widthIn(this.#size, level, index) });
    this.#tiles.set(key, tile);
    return tile;
  }

  async #fetch(tile: HashTile): Promise<Uint8Array> {
    const bytes = await this.#source(tile);
    if (bytes.length >= tile.width * hashBytes) return bytes;
    throw new Refusal("LOG-FORM", "a tile is narrower than the tree's size says", {
      expected: `${tile.width} hashes or more`,
      got: `${bytes.length} bytes`,
    });
  }
}

/** Over a power of two of hashes, which stand one after another: two neighbours behind 0x01 are what a node is the digest of (2.1.1). */
export async function subtreeRoot(host: Host, hashes: Uint8Array): Promise<Uint8Array> {
  const pair = new Uint8Array(1 + 2 * hashBytes).fill(1, 0, 1);
  let row = hashes;
  while (row.length > hashBytes) {
    const above = new Uint8Array(row.length / 2);
    for (let at = 0; at < row.length; at += 2 * hashBytes) {
      pair.set(row.subarray(at, at + 2 * hashBytes), 1);
      above.set(await host.digest("sha256", pair), at / 2);
    }
    row = above;
  }
  return new Uint8Array(row);
}

/** The largest power of two below `count`; 1 for 2, and for 1. */
function below(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
