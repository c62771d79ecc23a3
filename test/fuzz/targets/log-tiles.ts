import { equal, fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { bundleBytes, readBundle, readTile, readTilePath, tilePath } from "../../../manifests/log/tiles.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { Broken, type Target } from "../target.ts";

/** A line with the path of a published tile, then its bytes: what an auditor fetches from a place that he does not trust. */
export const logTiles: Target = {
  name: "log-tiles",
  seeds: async () => {
    const leaves = [utf8('{"digest":"00","type":"seal","version":1}'), new Uint8Array(0), new Uint8Array(1024)];
    return [
      joined("tile/0/x001/234.p/2", new Uint8Array(64).fill(5)),
      joined("tile/2/000", new Uint8Array(8192)),
      joined("tile/entries/000.p/3", bundleBytes(leaves)),
    ];
  },
  mutate: mutateBytes,
  run: (input) => {
    const end = Math.max(input.indexOf(10), 0);
    const tile = readTilePath(fromUtf8(input.subarray(0, end)));
    const bytes = input.subarray(end + 1);
    const parts = tile.level === "entries" ? readBundle(bytes, tile.width) : readTile(bytes, tile.width);
    return { tile, parts };
  },
  after: (input, result) => {
    const { tile, parts } = result as { tile: Parameters<typeof tilePath>[0]; parts: readonly Uint8Array[] };
    const bytes = tile.level === "entries" ? bundleBytes(parts) : new Uint8Array(Buffer.concat(parts));
    if (!equal(joined(tilePath(tile), bytes), input)) throw new Broken("an accepted tile is not what was read of it");
  },
};

function joined(path: string, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([utf8(`${path}\n`), bytes]));
}
