/** How a tree grows: leaf hashes at its right end in, the tiles that are new or wider out. Pure. */

import { nodeHost } from "../../host/crypto-host.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { type HashTile, subtreeRoot, type TileSource } from "../../manifests/log/tile-tree.ts";
import { hashBytes, tileWidth } from "../../manifests/log/tiles.ts";

export interface GrownTile extends HashTile {
  readonly hashes: Uint8Array;
}

/** Only the tree's partial tiles of `size` are asked of `tiles`. Nothing for no leaves. */
export async function grownTiles(
  tiles: TileSource,
  size: number,
  leaves: readonly Uint8Array[],
): Promise<readonly GrownTile[]> {
  const grown: GrownTile[] = [];
  let added = leaves;
  for (let level = 0, count = size; added.length > 0; level++, count = Math.floor(count / tileWidth)) {
    const full: Uint8Array[] = [];
    let index = Math.floor(count / tileWidth);
    const width = count % tileWidth;
    let hashes = width === 0 ? [] : [(await tiles({ level, index, width })).subarray(0, width * hashBytes)];
    for (let at = 0, free = tileWidth - width; at < added.length; at += free, free = tileWidth) {
      const taken = added.slice(at, at + free);
      const tile = concat([...hashes, ...taken]);
      grown.push({ level, index, width: tile.length / hashBytes, hashes: tile });
      if (taken.length < free) break;
      full.push(await subtreeRoot(nodeHost, tile));
      hashes = [];
      index++;
    }
    added = full;
  }
  return grown;
}

/** The tiles of a tree that grew: what is new, else what was there. */
export function withGrown(tiles: TileSource, grown: readonly GrownTile[]): TileSource {
  const key = ({ level, index }: HashTile) => `${level} ${index}`;
  const fresh = new Map(grown.map((tile) => [key(tile), tile.hashes]));
  return async (tile) => fresh.get(key(tile)) ?? tiles(tile);
}
