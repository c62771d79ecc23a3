import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { makeAppendOnly } from "../../../ledger/publish/append-only.ts";
import { FolderPlace, makePlace } from "../../../ledger/publish/folder-place.ts";
import type { Place } from "../../../ledger/publish/place.ts";
import { onTwoFileSystems } from "../../../ledger/publish/places.ts";
import { publish } from "../../../ledger/publish/publish.ts";
import { equal } from "../../../manifests/encoding/bytes.ts";
import { readCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { readEntry } from "../../../manifests/log/entry.ts";
import { inclusionPath } from "../../../manifests/log/tile-tree.ts";
import { readBundle, tilePath } from "../../../manifests/log/tiles.ts";
import { checkInclusion } from "../../../manifests/log/tree-proof.ts";
import { leafHash } from "../../../manifests/records/merkle.ts";
import { logKey, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { aLedger, origin, recordsFrom, type TestLedger } from "../a-ledger.ts";

/** mounts, and attributes of files */
const root = process.getuid?.() === 0 || process.env.CI !== undefined;

const refused = (code: string) => expect.objectContaining({ code });

let ledger: TestLedger;
let place: Place;
beforeEach(async () => {
  ledger = await aLedger();
  place = ledger.places[0] as Place;
});
afterEach(() => ledger.end());

const at = (path: string) => join(place.name, path);
const paths = async (one = place) => (await Array.fromAsync(one.paths())).sort();

describe("publishing", () => {
  it("puts there what C2SP tlog-tiles says, out of which a stranger proves an entry", async () => {
    await ledger.add(recordsFrom(0, 300));
    expect(await publish(ledger, place, await ledger.checkpoint())).toEqual({
      size: 300,
      changed: true,
      appendOnly: "not asked for",
    });
    expect(await paths()).toEqual([
      "tile/0/000",
      "tile/0/001.p/44",
      "tile/1/000.p/1",
      "tile/entries/000",
      "tile/entries/001.p/44",
    ]);
    expect(readdirSync(place.name).sort()).toEqual(["checkpoint", "origin", "tile"]);
    expect(statSync(at("tile/0/000")).mode & 0o777).toBe(0o644);
    const { root, size } = readCheckpoint(readFileSync(at("checkpoint")));
    const leaves = readBundle(new Uint8Array(readFileSync(at("tile/entries/001.p/44"))), 44);
    const leaf = leaves[43] as Uint8Array;
    expect(readEntry(leaf).type).toBe("seal");
    const source = async (tile: Parameters<typeof tilePath>[0]) => new Uint8Array(readFileSync(at(tilePath(tile))));
    const path = await inclusionPath(nodeHost, source, { index: 299, size });
    await checkInclusion(nodeHost, { leafHash: await leafHash(nodeHost, leaf), index: 299, size, path, root });
  });

  it("LOG-HEAD: never puts a smaller checkpoint over the one that another process published meanwhile", async () => {
    await ledger.add(recordsFrom(0, 3));
    const smaller = await ledger.checkpoint();
    await ledger.add(recordsFrom(3, 4));
    const larger = await ledger.checkpoint();
    const slow: Place = Object.create(place, {
      keep: {
        value: async (files: Parameters<Place["keep"]>[0]) => {
          const kept = await place.keep(files);
          await publish(ledger, place, larger);
          return kept;
        },
      },
      name: { value: place.name },
      putCheckpoint: { value: place.putCheckpoint.bind(place) },
      read: { value: place.read.bind(place) },
    });
    expect(await publish(ledger, slow, smaller)).toMatchObject({ size: 7, changed: false });
    expect(readCheckpoint(readFileSync(at("checkpoint"))).size).toBe(7);
  });

  it("adds what came since, keeps partial tiles, and changes nothing when done again", async () => {
    await ledger.add(recordsFrom(0, 3));
    const first = await ledger.checkpoint();
    await publish(ledger, place, first);
    expect(await publish(ledger, place, first)).toMatchObject({ size: 3, changed: false });
    await ledger.add(recordsFrom(3, 300));
    await publish(ledger, place, await ledger.checkpoint());
    expect(await paths()).toEqual(expect.arrayContaining(["tile/0/000.p/3", "tile/0/000", "tile/entries/000.p/3"]));
    // An older one that comes late is no step back.
    expect(await publish(ledger, place, first)).toMatchObject({ size: 303, changed: false });
    expect(readCheckpoint(readFileSync(at("checkpoint"))).size).toBe(303);
    expect(await publish(ledger, place, await ledger.checkpoint(), { anew: true })).toMatchObject({ changed: false });
  });

  it("a checkpoint that got cosignatures takes the place of the one without", async () => {
    await ledger.add(recordsFrom(0, 3));
    await publish(ledger, place, await ledger.checkpoint());
    const { origin: name, root, size } = readCheckpoint(await ledger.checkpoint());
    const more = signedCheckpoint({ origin: name, root, size }, await logKey(origin), [
      await logKey("witness.example.org", "cosignature/v1"),
    ]);
    expect(await publish(ledger, place, more)).toMatchObject({ size: 3, changed: true });
    expect(equal(readFileSync(at("checkpoint")), more)).toBe(true);
  });

  it("an empty log is a checkpoint alone", async () => {
    await publish(ledger, place, await ledger.checkpoint());
    expect(await paths()).toEqual([]);
    expect((await checkLedger(ledger, ledger.places)).findings).toEqual([]);
  });

  it("NOTHING-LOST: what a killed process left unfinished is finished", async () => {
    await ledger.add(recordsFrom(0, 300));
    const checkpoint = await ledger.checkpoint();
    await publish(ledger, place, checkpoint);
    rmSync(at("checkpoint"));
    rmSync(at("tile/entries/000"));
    for (const name of [".staging-killed", ".staging-another"]) {
      mkdirSync(at(name));
      writeFileSync(at(`${name}/7`), "half");
    }
    utimesSync(at(".staging-killed"), new Date(), new Date(Date.now() - 2 * 3_600_000));
    expect(await publish(ledger, place, checkpoint)).toMatchObject({ size: 300, changed: true });
    // What may be another process's at work is left.
    expect(readdirSync(place.name).filter((name) => name.startsWith("."))).toEqual([".staging-another"]);
    expect((await checkLedger(ledger, [place])).findings).toEqual([]);
  });
});

describe("what is not published", () => {
  it("LOG-RECORD: a checkpoint of another log, of another tree, of more than the store has", async () => {
    await ledger.add(recordsFrom(0, 5));
    const key = await logKey(origin);
    const { root } = readCheckpoint(await ledger.checkpoint());
    for (const wrong of [
      { origin: "other.example.org", size: 5, root },
      { origin, size: 4, root },
      { origin, size: 6, root },
    ]) {
      const other = signedCheckpoint(wrong, key);
      await expect(publish(ledger, place, other)).rejects.toEqual(refused("LOG-RECORD"));
    }
    expect(existsSync(at("checkpoint"))).toBe(false);
    await expect(publish(ledger, place, new Uint8Array(9))).rejects.toEqual(refused("LOG-NOTE"));
  });

  it("LOG-RECORD: into a place that shows more, or something else, than the store holds", async () => {
    const other = await aLedger();
    try {
      await ledger.add(recordsFrom(0, 5));
      await other.add(recordsFrom(0, 5));
      await publish(other, place, await other.checkpoint());
      // Other salts make another tree: a store that was lost and fed again is not the one that was published.
      await expect(publish(ledger, place, await ledger.checkpoint())).rejects.toEqual(refused("LOG-RECORD"));
      await other.add(recordsFrom(5, 5));
      await publish(other, place, await other.checkpoint());
      await expect(publish(ledger, place, await ledger.checkpoint())).rejects.toEqual(refused("LOG-RECORD"));
    } finally {
      other.end();
    }
  });

  it("LOG-RECORD: over a file that was changed; the checkpoint stays the old one", async () => {
    await ledger.add(recordsFrom(0, 5));
    await publish(ledger, place, await ledger.checkpoint());
    await ledger.add(recordsFrom(5, 5));
    mkdirSync(at("tile/0/000.p"), { recursive: true });
    writeFileSync(at("tile/0/000.p/10"), new Uint8Array(320));
    await expect(publish(ledger, place, await ledger.checkpoint())).rejects.toEqual(refused("LOG-RECORD"));
    expect(readCheckpoint(readFileSync(at("checkpoint"))).size).toBe(5);
  });

  it("LOG-RECORD: what stands in a place without reason is found, beside its tiles too", async () => {
    await ledger.add(recordsFrom(0, 5));
    await publish(ledger, place, await ledger.checkpoint());
    for (const name of ["lost+found", ".staging-now"]) mkdirSync(at(name));
    writeFileSync(at(`.tmp-${"0".repeat(16)}`), "half of a checkpoint");
    expect((await checkLedger(ledger, ledger.places)).findings).toEqual([]);
    for (const name of ["checkpoint.old", "tile/extra"]) writeFileSync(at(name), "");
    mkdirSync(at("other"));
    expect((await checkLedger(ledger, ledger.places)).findings).toEqual(
      ["checkpoint.old", "other", "tile/extra"].map((name) => ({ where: at(name), what: "no file of a log" })),
    );
  });

  it("STORE: into a place that is not mounted, is another log's, or is full of links", async () => {
    await ledger.add(recordsFrom(0, 5));
    const checkpoint = await ledger.checkpoint();
    await expect(makePlace(place.name, "other.example.org")).rejects.toEqual(refused("STORE"));
    await makePlace(place.name, origin);
    const other = new FolderPlace(place.name, "other.example.org", false);
    await expect(other.read("checkpoint")).rejects.toEqual(refused("STORE"));
    renameSync(place.name, `${place.name}-gone`);
    await expect(publish(ledger, place, checkpoint)).rejects.toEqual(refused("STORE"));
    mkdirSync(place.name);
    await expect(publish(ledger, place, checkpoint)).rejects.toEqual(refused("STORE"));
    expect(readdirSync(place.name)).toEqual([]);
    // The other place is not concerned.
    expect(await publish(ledger, ledger.places[1] as Place, checkpoint)).toMatchObject({ size: 5 });
    await makePlace(place.name, origin);
    symlinkSync(`${place.name}-gone`, at("tile"));
    await expect(publish(ledger, place, checkpoint)).rejects.toEqual(refused("STORE"));
    await expect(makePlace(join(ledger.dir, "ledger"), origin)).rejects.toEqual(refused("STORE"));
  });

  it.skipIf(!root)("STORE: onto a file system without room; later it goes on", async () => {
    await ledger.add(recordsFrom(0, 600));
    const small = join(ledger.dir, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=32k", "none", small]);
    try {
      await makePlace(small, origin);
      const full = new FolderPlace(small, origin, false);
      await expect(publish(ledger, full, await ledger.checkpoint())).rejects.toEqual(refused("STORE"));
      expect(existsSync(join(small, "checkpoint"))).toBe(false);
      execFileSync("mount", ["-o", "remount,size=4m", small]);
      expect(await publish(ledger, full, await ledger.checkpoint())).toMatchObject({ size: 600 });
      expect((await checkLedger(ledger, [full])).findings).toEqual([]);
      expect(onTwoFileSystems([place, full])).toBe(true);
      expect(onTwoFileSystems(ledger.places)).toBe(false);
      expect(onTwoFileSystems([place, { name: "/nowhere" }])).toBeUndefined();
    } finally {
      execFileSync("umount", [small]);
    }
  });
});

describe("append-only", () => {
  it("where it cannot be, it says why, and nothing fails", async () => {
    expect(await makeAppendOnly([], [])).toBe("set");
    expect(await makeAppendOnly(["/proc/self/status"], [])).toEqual({ cannot: expect.stringMatching(/^chattr: /) });
  });

  it.skipIf(!root)(
    "where root and file system allow, nothing published can be removed or changed, and publishing goes on",
    async () => {
      const kept = new FolderPlace(place.name, origin, true);
      try {
        await ledger.add(recordsFrom(0, 3));
        const { appendOnly } = await publish(ledger, kept, await ledger.checkpoint());
        expect(appendOnly).toBe("set");
        await ledger.add(recordsFrom(3, 300));
        expect(await publish(ledger, kept, await ledger.checkpoint())).toMatchObject({ size: 303, appendOnly: "set" });
        for (const attack of [
          () => rmSync(at("tile/0/000")),
          () => writeFileSync(at("tile/0/000"), "x"),
          () => renameSync(at("tile"), at("elsewhere")),
          () => rmSync(at("tile/entries/000.p"), { recursive: true }),
          () => chmodSync(at("tile/0/000"), 0o777),
        ]) {
          expect(attack).toThrow(/EPERM/);
        }
        expect((await checkLedger(ledger, [kept])).findings).toEqual([]);
      } finally {
        execFileSync("chattr", ["-R", "-f", "-ia", place.name]);
      }
    },
  );
});
