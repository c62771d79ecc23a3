import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bundleBytes,
  bundlesBetween,
  readBundle,
  readTile,
  readTilePath,
  type Tile,
  tilePath,
  tilesBetween,
  widthIn,
} from "../../../manifests/log/tiles.ts";

const refused = expect.objectContaining({ code: "LOG-FORM" });

describe("paths of tiles", () => {
  // The first two from the specification's text, the third from its example of a partial tile.
  it.each<[Tile, string]>([
    [{ level: 0, index: 1234067, width: 256 }, "tile/0/x001/x234/067"],
    [{ level: "entries", index: 1234067, width: 256 }, "tile/entries/x001/x234/067"],
    [{ level: 0, index: 273, width: 112 }, "tile/0/273.p/112"],
    [{ level: 2, index: 0, width: 1 }, "tile/2/000.p/1"],
    [{ level: 1, index: 1000, width: 255 }, "tile/1/x001/000.p/255"],
  ])("%j", (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(readTilePath(path)).toEqual(tile);
  });

  it("every tile has one path, and no two have the same", () => {
    const level = fc.oneof(fc.constant("entries" as const), fc.nat(6));
    const tile = fc.record({ level, index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) });
    fc.assert(
      fc.property(tile, (one) => {
        expect(readTilePath(tilePath(one))).toEqual(one);
      }),
    );
  });

  it.each([
    "",
    "checkpoint",
    "tile/0/0",
    "tile/00/000",
    "tile/7/000",
    "tile/64/000",
    "tile/0/x000/001",
    "tile/0/001/002",
    "tile/0/x001/x002",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000/../000",
    "tile/0/000\n",
    "/tile/0/000",
    "tile/0/x999/x999/x999/x999/x999/999",
  ])("LOG-FORM: %j is refused", (path) => {
    expect(() => readTilePath(path)).toThrow(refused);
  });
});

describe("which tiles a tree has", () => {
  it("70,000 entries: as the specification counts them", () => {
    const tiles = [...tilesBetween(0, 70_000)];
    const partial = tiles.filter(({ width }) => width < 256);
    expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273);
    expect(tiles.filter(({ level, width }) => level === 1 && width === 256)).toHaveLength(1);
    expect(partial).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect([...tilesBetween(0, 256)]).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ]);
    expect([...tilesBetween(0, 0)]).toEqual([]);
    expect([...bundlesBetween(0, 70_000)]).toHaveLength(274);
  });

  it("growing in steps gives what growing at once gives, and partial ones besides", () => {
    const sizes = fc.array(fc.nat(3000), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sizes, (steps) => {
        const marks = [0, ...steps.toSorted((a, b) => a - b)];
        const size = marks.at(-1) as number;
        const inSteps = marks.slice(1).flatMap((to, at) => [...tilesBetween(marks[at] as number, to)].map(tilePath));
        expect(new Set(inSteps).size).toBe(inSteps.length);
        const atOnce = [...tilesBetween(0, size)];
        expect(inSteps).toEqual(expect.arrayContaining(atOnce.map(tilePath)));
        for (const { level, index, width } of atOnce) expect(widthIn(size, level, index)).toBe(width);
      }),
    );
  });
});

describe("tiles and bundles", () => {
  const leaves = [new Uint8Array(0), new Uint8Array(300).fill(7), new Uint8Array(1024).fill(9)];

  it("a bundle is each entry behind its length in two bytes", () => {
    const bytes = bundleBytes(leaves);
    expect(bytes.length).toBe(2 + 2 + 300 + 2 + 1024);
    expect([...bytes.subarray(0, 5)]).toEqual([0, 0, 1, 44, 7]);
    expect(readBundle(bytes, 3)).toEqual(leaves);
  });

  it("LOG-FORM: other counts, cut bundles, entries that are too long", () => {
    const bytes = bundleBytes(leaves);
    for (const width of [0, 2, 4, 257]) expect(() => readBundle(bytes, width)).toThrow(refused);
    for (const cut of [1, 3, bytes.length - 1]) expect(() => readBundle(bytes.subarray(0, cut), 3)).toThrow(refused);
    expect(() => readBundle(new Uint8Array(0), 0)).toThrow(refused);
    expect(() => bundleBytes([new Uint8Array(1025)])).toThrow(refused);
    expect(() => bundleBytes([])).toThrow(refused);
    expect(() => bundleBytes(Array.from({ length: 257 }, () => new Uint8Array(1)))).toThrow(refused);
    expect(() => readBundle(new Uint8Array(1 << 22), 256)).toThrow(refused);
  });

  it("LOG-FORM: a tile is exactly its width", () => {
    expect(readTile(new Uint8Array(64), 2)).toHaveLength(2);
    for (const width of [0, 1, 3, 257]) expect(() => readTile(new Uint8Array(64), width)).toThrow(refused);
  });
});
