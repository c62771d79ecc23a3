/**
 * The log as it is published: its files, and proofs put together of its tiles. Nothing here opens the store, so that whoever reads the log learns what the places show, also
 * while the store is away. A proof is checked before it is given.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { base64, equal, hex } from "../../manifests/encoding/bytes.ts";
import { readCheckpoint, type SignedCheckpoint } from "../../manifests/log/checkpoint.ts";
import { consistencyPath, inclusionPath, rootOf, subtreeRoot, type TileSource } from "../../manifests/log/tile-tree.ts";
import {
  hashBytes,
  readBundle,
  readTile,
  readTilePath,
  tilePath,
  tileWidth,
  widthIn,
} from "../../manifests/log/tiles.ts";
import { checkConsistency, checkInclusion } from "../../manifests/log/tree-proof.ts";
import { leafHash } from "../../manifests/records/merkle.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { newestPublished } from "../prove/prove.ts";
import type { Place } from "../publish/place.ts";

export type ReadPlace = Pick<Place, "name" | "read">;

export interface InclusionAnswer {
  /** the newest that is published, a signed note in base64 */
  readonly checkpoint: string;
  readonly index: number;
  /** SHA-256(00 || leaf), hex */
  readonly leafHash: string;
  /** siblings from the leaf up, hex */
  readonly path: readonly string[];
  /** of the tree of `size`, hex: that of the checkpoint, unless another size was asked for */
  readonly root: string;
  readonly size: number;
}

export interface ConsistencyAnswer {
  readonly checkpoint: string;
  readonly from: number;
  readonly path: readonly string[];
  readonly root: string;
  readonly size: number;
}

/** The newest checkpoint that any place shows, as it stands there. Refuses UNPUBLISHED, STORE, LOG-NOTE, LOG-FORM. */
export async function publishedNote(
  places: readonly ReadPlace[],
): Promise<{ readonly note: Uint8Array; readonly checkpoint: SignedCheckpoint }> {
  const note = await newestPublished(places);
  return { note, checkpoint: readCheckpoint(note) };
}

/** A tile or entry bundle by its path; undefined where no place has it. Refuses LOG-FORM what is no such path, STORE where no place can be read. */
export async function publishedTile(places: readonly ReadPlace[], path: string): Promise<Uint8Array | undefined> {
  readTilePath(path);
  let [fault, looked]: [unknown, boolean] = [undefined, false];
  for (const place of places) {
    try {
      const bytes = await place.read(path);
      if (bytes) return bytes;
      looked = true;
    } catch (cause) {
      fault = cause;
    }
  }
  if (fault === undefined || looked) return undefined;
  throw fault;
}

/** That an entry is in the tree of `size`, the published one unless said. Refuses LOG-PROOF, LOG-RECORD where a tile is missing, and as `publishedNote`. */
export async function inclusionAnswer(
  places: readonly ReadPlace[],
  index: number,
  wanted?: number,
): Promise<InclusionAnswer> {
  const { checkpoint, note } = await publishedNote(places);
  const size = sizeWithin(wanted ?? checkpoint.size, checkpoint.size);
  const tiles = tilesAt((path) => publishedTile(places, path), checkpoint.size);
  const path = await inclusionPath(nodeHost, tiles, { index, size });
  const leaf = await leafIn(tiles, checkpoint.size, index);
  const root = size === checkpoint.size ? checkpoint.root : await rootOf(nodeHost, tiles, size);
  await holding(() => checkInclusion(nodeHost, { index, leafHash: leaf, path, root, size }));
  return { checkpoint: base64(note), index, leafHash: hex(leaf), path: path.map(hex), root: hex(root), size };
}

/** That the tree of `size`, the published one unless said, grew out of that of `from`. Refuses as `inclusionAnswer`. */
export async function consistencyAnswer(
  places: readonly ReadPlace[],
  from: number,
  wanted?: number,
): Promise<ConsistencyAnswer> {
  const { checkpoint, note } = await publishedNote(places);
  const size = sizeWithin(wanted ?? checkpoint.size, checkpoint.size);
  const tiles = tilesAt((path) => publishedTile(places, path), checkpoint.size);
  const path = await consistencyPath(nodeHost, tiles, { from, size });
  const root = size === checkpoint.size ? checkpoint.root : await rootOf(nodeHost, tiles, size);
  const former = await rootOf(nodeHost, tiles, from);
  await holding(() => checkConsistency(nodeHost, { from: { size: from, root: former }, to: { size, root }, path }));
  return { checkpoint: base64(note), from, path: path.map(hex), root: hex(root), size };
}

/** The leaf of an entry out of one place, checked to be in the tree of its checkpoint. Refuses LOG-PROOF, LOG-RECORD, LOG-FORM, STORE. */
export async function provenEntry(
  place: ReadPlace,
  { root, size }: Pick<SignedCheckpoint, "root" | "size">,
  index: number,
): Promise<Uint8Array> {
  const read = (path: string) => place.read(path);
  const bundle = Math.floor(index / tileWidth);
  const width = widthIn(size, 0, bundle);
  const at = tilePath({ level: "entries", index: bundle, width });
  const leaf = readBundle(await there(read, at), width)[index % tileWidth] as Uint8Array;
  const tiles = tilesAt(read, size);
  const hash = await leafHash(nodeHost, leaf);
  const path = await inclusionPath(nodeHost, tiles, { index, size });
  await checkInclusion(nodeHost, { index, leafHash: hash, path, root, size });
  await checkTilesAbove(tiles, { hash, index, size });
  return leaf;
}

/** A path has the hashes beside those that lead to the root, and not these: others that are proven are, so that they must stand in their tiles as well. */
async function checkTilesAbove(
  tiles: TileSource,
  { hash, index, size }: { readonly hash: Uint8Array; readonly index: number; readonly size: number },
): Promise<void> {
  for (let [level, at, below] = [0, index, hash]; ; level++, at = Math.floor(at / tileWidth)) {
    const tile = Math.floor(at / tileWidth);
    const width = widthIn(size, level, tile);
    if (at % tileWidth >= width) return;
    const hashes = await tiles({ level, index: tile, width });
    if (!equal(hashAt(hashes, at), below)) {
      throw new Refusal("LOG-PROOF", "a published tile has another hash than what stands below it gives", {
        about: tilePath({ level, index: tile, width }),
      });
    }
    if (width < tileWidth) return;
    below = await subtreeRoot(nodeHost, hashes);
  }
}

/** What was put together here of what is published must hold: where it does not, the log's files were changed. */
async function holding(check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (cause) {
    throw new Refusal("LOG-RECORD", "the published tiles do not lead to the published checkpoint", { cause });
  }
}

/** Tiles as a tree of `size` has published them, each read once. Refuses LOG-RECORD one that is missing. */
function tilesAt(read: (path: string) => Promise<Uint8Array | undefined>, size: number): TileSource {
  const seen = new Map<string, Promise<Uint8Array>>();
  const fetched = async (path: string, width: number) => {
    const bytes = await there(read, path);
    readTile(bytes, width);
    return bytes;
  };
  return async ({ index, level }) => {
    const width = widthIn(size, level, index);
    const path = tilePath({ level, index, width });
    const tile = seen.get(path) ?? fetched(path, width);
    seen.set(path, tile);
    return tile;
  };
}

async function leafIn(tiles: TileSource, size: number, index: number): Promise<Uint8Array> {
  const tile = Math.floor(index / tileWidth);
  const hashes = await tiles({ level: 0, index: tile, width: widthIn(size, 0, tile) });
  return hashAt(hashes, index);
}

function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  const at = (index % tileWidth) * hashBytes;
  return hashes.slice(at, at + hashBytes);
}

async function there(read: (path: string) => Promise<Uint8Array | undefined>, path: string): Promise<Uint8Array> {
  const bytes = await read(path);
  if (bytes) return bytes;
  throw new Refusal("LOG-RECORD", "a published file of the log is missing", { about: path });
}

function sizeWithin(size: number, most: number): number {
  if (size <= most) return size;
  throw new Refusal("LOG-PROOF", "no checkpoint of this size is published yet", {
    expected: `at most ${most}`,
    got: `${size}`,
  });
}
