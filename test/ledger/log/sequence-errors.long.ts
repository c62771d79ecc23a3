/**
 * Every side effect of recording and publishing, failed, or failed but done all the same; then a restart, and everything is held against everything. In the
 * manner of Sunlight's TestSequenceErrors (FiloSottile/sunlight, internal/ctlog).
 */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { append } from "../../../ledger/log/append.ts";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import type { Place, PublishedFile } from "../../../ledger/publish/place.ts";
import { publish } from "../../../ledger/publish/publish.ts";
import type { Database, Sql } from "../../../ledger/store/database.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import type { LogRecord } from "../../../manifests/log/entry.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { aLedger, recordsFrom, type TestLedger } from "../a-ledger.ts";

type Effect = "entries" | "tiles" | "head" | "commit" | "first file" | "last file" | "checkpoint";

interface Fault {
  readonly effect: Effect;
  /** it was done, and only the answer was lost */
  readonly persisted: boolean;
}

const down = () => new Refusal("STORE", "a fault that the test makes");

/** The store, one of whose statements, or whose commit, fails. */
function faultyStore(db: Database, { effect, persisted }: Fault): Database {
  const faulty = (sql: Sql): Sql => ({
    all: (...words) => sql.all(...words),
    get: (...words) => sql.get(...words),
    async run(text, ...cells) {
      const fails = effect === "head" && text.startsWith("UPDATE tree_head SET size");
      if (fails && !persisted) throw down();
      const rows = await sql.run(text, ...cells);
      if (fails) throw down();
      return rows;
    },
    async insert(table, columns, rows) {
      if (effect === table && !persisted) throw down();
      await sql.insert(table, columns, rows);
      if (effect === table) throw down();
    },
  });
  return {
    reading: (work) => db.reading(work),
    settled: (work) => db.settled(work),
    async writing(work) {
      const fails = effect === "commit";
      const result = await db.writing(async (sql) => {
        const done = await work(faulty(sql));
        if (fails && !persisted) throw down();
        return done;
      });
      if (fails) throw down();
      return result;
    },
    close: () => db.close(),
  };
}

/** A place that fails at its first or last file, or at its checkpoint. */
function faultyPlace(place: Place, { effect, persisted }: Fault): Place {
  return {
    name: place.name,
    read: (path) => place.read(path),
    paths: () => place.paths(),
    async keep(files) {
      if (effect !== "first file" && effect !== "last file") return place.keep(files);
      const all = await Array.fromAsync(files);
      const at = effect === "first file" ? 0 : all.length - 1;
      await place.keep(streamed(all.slice(0, persisted ? at + 1 : at)));
      throw down();
    },
    async putCheckpoint(bytes) {
      if (effect !== "checkpoint") return place.putCheckpoint(bytes);
      if (persisted) await place.putCheckpoint(bytes);
      throw down();
    },
  };
}

async function* streamed(files: readonly PublishedFile[]): AsyncGenerator<PublishedFile> {
  yield* files;
}

let ledger: TestLedger;
/** What a client was told: record by record its index and salt. */
let told: string[];
beforeEach(async () => {
  ledger = await aLedger();
  told = [];
});
afterEach(() => ledger.end());

/** Records, checkpoint, places, in that order; what a client is told is told after the commit. */
async function sequence(records: readonly LogRecord[], fault?: Fault): Promise<void> {
  const db = fault ? faultyStore(ledger.db, fault) : ledger.db;
  const places = await db.writing((sql) => append(sql, ledger.epoch, records));
  for (const { index, salt } of places) {
    told[index] ??= hex(salt);
    expect(hex(salt)).toBe(told[index]);
  }
  const checkpoint = await ledger.checkpoint();
  for (const place of ledger.places) {
    await publish(ledger, fault ? faultyPlace(place, fault) : place, checkpoint);
  }
}

async function restartAndCheck(size: number): Promise<void> {
  ledger = await ledger.reopened();
  expect((await ledger.db.reading(treeHead)).size).toBe(size);
  const { count, findings } = await checkLedger(ledger, ledger.places);
  expect([count, findings]).toEqual([0, []]);
  const salts = await ledger.db.reading((sql) =>
    sql.all<{ salt: Uint8Array }>("SELECT salt FROM entries ORDER BY idx"),
  );
  expect(salts.map(({ salt }) => hex(salt)).slice(0, told.length)).toEqual(told);
}

const effects: readonly Effect[] = ["entries", "tiles", "head", "commit", "first file", "last file", "checkpoint"];
const faults = effects.flatMap((effect) => [false, true].map((persisted): Fault => ({ effect, persisted })));

describe("NOTHING-LOST: a fault at each side effect of recording and publishing", () => {
  it.each(faults)("$effect fails, done all the same: $persisted", async (fault) => {
    await sequence(recordsFrom(0, 3));
    // Within the transaction nothing counts that failed; a commit counts where it was done; what follows changes no entry.
    const stored = ["entries", "tiles", "head", "commit"].includes(fault.effect)
      ? fault.effect === "commit" && fault.persisted
      : true;
    for (const [from, count] of [
      [3, 5],
      [8, 300],
    ] as const) {
      const before = (await ledger.db.reading(treeHead)).size;
      await expect(sequence(recordsFrom(0, from + count), fault)).rejects.toEqual(
        expect.objectContaining({ code: "STORE" }),
      );
      await restartAndCheck(stored ? from + count : before);
    }
    // Whoever was told nothing brings it again; whoever was told, too.
    await sequence(recordsFrom(0, 310));
    await restartAndCheck(310);
    for (const place of ledger.places)
      expect(await publish(ledger, place, await ledger.checkpoint())).toMatchObject({ size: 310 });
  });
});
