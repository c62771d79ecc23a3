import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { grownTiles } from "../../../ledger/log/grow.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { consistencyPath, type HashTile, inclusionPath, rootOf } from "../../../manifests/log/tile-tree.ts";
import { tilePath, tilesBetween } from "../../../manifests/log/tiles.ts";
import { checkConsistency, checkInclusion, emptyRoot } from "../../../manifests/log/tree-proof.ts";
import * as reference from "./reference-tree.ts";

const refused = (code: string) => expect.objectContaining({ code });

/** A log's tiles by their paths, grown in steps of any size. */
class Tiles {
  readonly kept = new Map<string, Uint8Array>();
  readonly asked: string[] = [];
  size = 0;

  readonly source = async (tile: HashTile): Promise<Uint8Array> => {
    this.asked.push(tilePath(tile));
    const hashes = this.kept.get(tilePath(tile));
    if (!hashes) throw new Error(`${tilePath(tile)} was never made`);
    return hashes;
  };

  async grow(leafHashes: readonly Uint8Array[]): Promise<void> {
    const grown = await grownTiles(this.source, this.size, leafHashes);
    for (const { hashes, ...tile } of grown) {
      expect(this.kept.has(tilePath(tile))).toBe(false);
      this.kept.set(tilePath(tile), hashes);
    }
    this.size += leafHashes.length;
  }
}

const leaves = Array.from({ length: 1100 }, (_, at) => utf8(`leaf ${at}`));
const hashes = leaves.map(reference.leafOf);

describe("roots and proofs out of tiles", () => {
  it("are those of RFC 9162's own definitions, at every size and place", async () => {
    const tiles = new Tiles();
    for (let at = 0; at < 700; at++) await tiles.grow(hashes.slice(at, at + 1));
    for (const size of [0, 1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 520, 700]) {
      const d = leaves.slice(0, size);
      expect(await rootOf(nodeHost, tiles.source, size)).toEqual(reference.mth(d));
      for (const at of [0, 1, 2, 6, 254, 255, 256, 300, 511, 512, size - 1]) {
        if (at >= size || at < 0) continue;
        const path = await inclusionPath(nodeHost, tiles.source, { index: at, size });
        expect(path).toEqual(reference.inclusionPath(at, d));
        const from = await consistencyPath(nodeHost, tiles.source, { from: at, size });
        expect(from).toEqual(reference.consistencyPath(at, d));
      }
    }
  });

  it("are the same however the tree grew, and hold for who checks them", async () => {
    const steps = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 4 });
    const place = fc.double({ min: 0, max: 0.999, noNaN: true });
    await fc.assert(
      fc.asyncProperty(steps, place, place, async (counts, where, before) => {
        const tiles = new Tiles();
        for (const count of counts) await tiles.grow(hashes.slice(tiles.size, tiles.size + count));
        const { size } = tiles;
        expect([...tiles.kept.keys()]).toEqual(expect.arrayContaining([...tilesBetween(0, size)].map(tilePath)));
        if (size === 0) return;
        const root = await rootOf(nodeHost, tiles.source, size);
        expect(root).toEqual(reference.mth(leaves.slice(0, size)));
        const index = Math.floor(where * size);
        const path = await inclusionPath(nodeHost, tiles.source, { index, size });
        await checkInclusion(nodeHost, { leafHash: hashes[index] as Uint8Array, index, size, path, root });
        const from = Math.floor(before * size);
        const former = { size: from, root: reference.mth(leaves.slice(0, from)) };
        const grown = await consistencyPath(nodeHost, tiles.source, { from, size });
        await checkConsistency(nodeHost, { from: former, to: { size, root }, path: grown });
      }),
      { numRuns: 40 },
    );
  });

  it("ask for a few tiles, each once, in a tree of 70,000", async () => {
    const tiles = new Tiles();
    await tiles.grow(Array.from({ length: 70_000 }, (_, at) => hashes[at % 1000] as Uint8Array));
    const size = 70_000;
    const root = await rootOf(nodeHost, tiles.source, size);
    for (const index of [0, 12_345, 65_535, 65_536, 69_999]) {
      tiles.asked.length = 0;
      const path = await inclusionPath(nodeHost, tiles.source, { index, size });
      expect(tiles.asked.length).toBeLessThanOrEqual(6);
      expect(new Set(tiles.asked).size).toBe(tiles.asked.length);
      await checkInclusion(nodeHost, { leafHash: hashes[index % 1000] as Uint8Array, index, size, path, root });
    }
  });
});

describe("what there is no proof of", () => {
  const tiles = new Tiles();

  it("LOG-PROOF: an entry or a tree behind the end, or that is no number of one", async () => {
    if (tiles.size === 0) await tiles.grow(hashes.slice(0, 5));
    for (const index of [5, 6, -1, 1.5, Number.NaN]) {
      await expect(inclusionPath(nodeHost, tiles.source, { index, size: 5 })).rejects.toEqual(refused("LOG-PROOF"));
    }
    for (const from of [6, -1, 0.5, Number.NaN]) {
      await expect(consistencyPath(nodeHost, tiles.source, { from, size: 5 })).rejects.toEqual(refused("LOG-PROOF"));
    }
    expect(await rootOf(nodeHost, tiles.source, 0)).toEqual(emptyRoot);
  });

  it("LOG-FORM: a tile that is too narrow", async () => {
    const narrow = async () => new Uint8Array(64);
    await expect(rootOf(nodeHost, narrow, 5)).rejects.toEqual(refused("LOG-FORM"));
  });
});
