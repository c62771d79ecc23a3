import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { append } from "../../../ledger/log/append.ts";
import { formerHead, openingAt, provenConsistency, provenInclusion } from "../../../ledger/log/proofs.ts";
import { takeOver, treeHead } from "../../../ledger/log/tree-head.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { openedEntry, readEntry } from "../../../manifests/log/entry.ts";
import { checkConsistency, checkInclusion, emptyRoot } from "../../../manifests/log/tree-proof.ts";
import { leafHash } from "../../../manifests/records/merkle.ts";
import { aLedger, recordOf, recordsFrom, type TestLedger } from "../a-ledger.ts";

const refused = (code: string) => expect.objectContaining({ code });

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await aLedger();
});
afterEach(() => ledger.end());

const head = () => ledger.db.reading(treeHead);
const count = async (table: string) =>
  (await ledger.db.reading((sql) => sql.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)))?.n;

/** Proves an entry as a stranger would be shown it: opening, leaf, way up. */
async function prove(index: number, size: number): Promise<void> {
  const shown = await ledger.db.reading(async (sql) => ({
    opening: await openingAt(sql, index),
    path: await provenInclusion(sql, index, size),
    head: await formerHead(sql, size),
  }));
  expect(shown.opening.record).toEqual(recordOf(index));
  const leaf = await openedEntry(nodeHost, shown.opening);
  await checkInclusion(nodeHost, { ...shown.head, index, path: shown.path, leafHash: await leafHash(nodeHost, leaf) });
}

describe("appending", () => {
  it("gives each record its place in order, with a salt of its own, and proofs of it", async () => {
    expect(await head()).toEqual({ size: 0, root: emptyRoot });
    const first = await ledger.add(recordsFrom(0, 3));
    const more = await ledger.add(recordsFrom(3, 600));
    const places = [...first, ...more];
    expect(places.map(({ index }) => index)).toEqual(Array.from({ length: 603 }, (_, at) => at));
    expect(new Set(places.map(({ salt }) => hex(salt))).size).toBe(603);
    expect(places.every(({ fresh }) => fresh)).toBe(true);
    for (const index of [0, 2, 3, 255, 256, 511, 602]) await prove(index, 603);
    await prove(2, 3);
    const { size, root } = await head();
    for (const from of [0, 1, 3, 256, 603]) {
      const former = await ledger.db.reading((sql) => formerHead(sql, from));
      const path = await ledger.db.reading((sql) => provenConsistency(sql, from, size));
      await checkConsistency(nodeHost, { from: former, to: { size, root }, path });
    }
  });

  it("a leaf says the type and a salted digest, nothing else", async () => {
    const [place] = await ledger.add([recordOf(1)]);
    const leaf = await openedEntry(nodeHost, await ledger.db.reading((sql) => openingAt(sql, place?.index ?? -1)));
    expect(readEntry(leaf)).toEqual({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), type: "seal", version: 1 });
  });

  it("what is there keeps its place and its salt, also twice in one call", async () => {
    const before = await ledger.add(recordsFrom(0, 5));
    const then = await head();
    const again = await ledger.add(recordsFrom(0, 5));
    expect(again).toEqual(before.map((place) => ({ ...place, fresh: false })));
    expect(await head()).toEqual(then);
    expect(await ledger.add([])).toEqual([]);
    const mixed = await ledger.add([recordOf(4), recordOf(7), recordOf(7), recordOf(6)]);
    expect(mixed.map(({ index, fresh }) => [index, fresh])).toEqual([
      [4, false],
      [5, true],
      [5, false],
      [6, true],
    ]);
    expect(mixed[1]?.salt).toEqual(mixed[2]?.salt);
    expect(await count("entries")).toBe(7);
  });

  it("tiles are inserted, never changed: one row for each width that a tile had", async () => {
    for (const n of [1, 1, 254, 1, 300]) await ledger.add(recordsFrom((await head()).size, n));
    const tiles = await ledger.db.reading((sql) =>
      sql.all<{ level: number; idx: number; width: number }>(
        "SELECT level, idx, width FROM tiles ORDER BY level, idx, width",
      ),
    );
    expect(tiles.map(({ level, idx, width }) => [level, idx, width])).toEqual([
      [0, 0, 1],
      [0, 0, 2],
      [0, 0, 256],
      [0, 1, 1],
      [0, 1, 256],
      [0, 2, 45],
      [1, 0, 1],
      [1, 0, 2],
    ]);
  });

  it("several times within one transaction, all or nothing", async () => {
    const both = await ledger.db.writing(async (sql) => [
      ...(await append(sql, ledger.epoch, recordsFrom(0, 300))),
      ...(await append(sql, ledger.epoch, recordsFrom(299, 300))),
    ]);
    expect(both.map(({ index }) => index).slice(298, 303)).toEqual([298, 299, 299, 300, 301]);
    await prove(598, 599);
    const then = await head();
    const half = ledger.db.writing(async (sql) => {
      await append(sql, ledger.epoch, recordsFrom(599, 300));
      throw new Error("stopped");
    });
    await expect(half).rejects.toThrow("stopped");
    expect(await head()).toEqual(then);
    expect(await count("entries")).toBe(599);
  });
});

describe("who may append", () => {
  it("BUSY: a process that another one followed is refused, also one that only slept", async () => {
    await ledger.add(recordsFrom(0, 2));
    const later = await takeOver(ledger.db);
    await expect(ledger.add(recordsFrom(2, 2))).rejects.toEqual(refused("BUSY"));
    expect((await head()).size).toBe(2);
    ledger.epoch = later;
    await ledger.add(recordsFrom(2, 2));
    expect((await head()).size).toBe(4);
  });
});

describe("what is refused", () => {
  it("LOG-FORM: no record, or one that is too long; nothing is appended", async () => {
    const wrong = { ...recordOf(0), more: 1 } as unknown as ReturnType<typeof recordOf>;
    await expect(ledger.add([recordOf(1), wrong])).rejects.toEqual(refused("LOG-FORM"));
    expect((await head()).size).toBe(0);
  });

  it("LOG-PROOF: a place, a size, an opening that there is not", async () => {
    await ledger.add(recordsFrom(0, 4));
    await ledger.db.reading(async (sql) => {
      await expect(provenInclusion(sql, 4, 4)).rejects.toEqual(refused("LOG-PROOF"));
      await expect(provenInclusion(sql, 0, 5)).rejects.toEqual(refused("LOG-PROOF"));
      await expect(provenConsistency(sql, 3, 5)).rejects.toEqual(refused("LOG-PROOF"));
      await expect(provenConsistency(sql, 5, 4)).rejects.toEqual(refused("LOG-PROOF"));
      for (const index of [4, -1]) await expect(openingAt(sql, index)).rejects.toEqual(refused("LOG-PROOF"));
      for (const size of [5, -1, 1.5]) await expect(formerHead(sql, size)).rejects.toEqual(refused("LOG-PROOF"));
    });
  });
});
