/**
 * An ingest that fails, or dies, at each of its transactions in turn: before it, in the middle of it, and after its commit without anybody being told. The same again ends
 * as if nothing had happened: nothing is lost, nothing is there twice.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ingest } from "../../../ledger/ingest/ingest.ts";
import { appendAs } from "../../../ledger/ingest/ingest-into.ts";
import { takeOver } from "../../../ledger/log/tree-head.ts";
import type { Database, Sql } from "../../../ledger/store/database.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, keeperOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { type TestLedger, testLedger } from "./on-real-ledger.ts";

const faults = ["before", "in the middle", "after the commit"] as const;
type Fault = (typeof faults)[number];

/** Fails at the `at`-th transaction (from 1). Counts them. */
function failing(db: Database, at: number, fault: Fault): Database & { readonly count: () => number } {
  let count = 0;
  const dies = () => new Refusal("STORE", "the process dies here");
  return {
    reading: (work) => db.reading(work),
    settled: (work) => db.settled(work),
    close: () => db.close(),
    count: () => count,
    writing: async (work) => {
      count += 1;
      if (count !== at) return db.writing(work);
      if (fault === "before") throw dies();
      const result = await db.writing((sql) => work(fault === "in the middle" ? dyingSql(sql, dies) : sql));
      if (fault === "after the commit") throw dies();
      return result;
    },
  };
}

/** Fails at the second insert, when the first is there; where there is one only, after it. */
function dyingSql(sql: Sql, dies: () => Refusal): Sql {
  return {
    run: (...words) => sql.run(...words),
    all: (...words) => sql.all(...words),
    get: (...words) => sql.get(...words),
    insert: async (table, columns, rows) => {
      await sql.insert(table, columns, rows);
      throw dies();
    },
  };
}

let bundles: readonly Bundle[];
let genesis: string;
beforeAll(async () => {
  bundles = await chainOf(3);
  genesis = (bundles[0] as Bundle).genesis;
});

/** Number 1 by the keeper alone, 3 waits until an outbox brings 2. */
function sticks(box: TestLedger): readonly string[] {
  const outbox: Stick = new Map();
  for (const number of [3, 2]) layBundle(outbox, `coldseal/outbox/batch-${number}`, bundles[number - 1] as Bundle);
  const other: Stick = new Map();
  layBundle(other, "coldseal/outbox/one", bundles[0] as Bundle);
  return [box.stick(keeperOf([bundles[0] as Bundle]), "keeper"), box.stick(outbox, "outbox"), box.stick(other, "late")];
}

async function run(box: TestLedger, db: Database): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "coldseal-interrupted-"));
  try {
    const append = appendAs(await takeOver(box.ledger.db));
    const work = { db, append, folder, now: () => "2026-11-22T10:00:00Z" };
    for (const stick of sticks(box).toReversed()) await ingest(work, [stick]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All rows but salts and what is by them. */
async function stateOf(box: TestLedger) {
  const tables = [
    "box_policies",
    "box_manifests",
    "manifest_files",
    "box_documents",
    "box_seals",
    "seals_verified",
    "chain_links",
    "disputes",
  ];
  return box.ledger.db.reading(async (sql) => {
    const entries = await sql.all("SELECT idx, type, content, record FROM entries ORDER BY idx");
    const rows = await Promise.all(
      tables.map(async (table) => [
        table,
        new Set((await sql.all(`SELECT * FROM ${table}`)).map((row) => JSON.stringify(row))),
      ]),
    );
    return { entries, rows, head: await sql.get("SELECT size FROM tree_head") };
  });
}

describe("an ingest that is interrupted", () => {
  it.each(faults)("NOTHING-LOST: %s each transaction, in turn: the same again ends the same", async (fault) => {
    const whole = await testLedger();
    await whole.enrol(genesis);
    const counting = failing(whole.ledger.db, 0, fault);
    await run(whole, counting);
    const expected = await stateOf(whole);
    const transactions = counting.count();
    whole.end();
    expect(transactions).toBeGreaterThan(8);
    expect(expected.entries).toHaveLength(6);
    for (let at = 1; at <= transactions; at++) {
      const box = await testLedger();
      try {
        await box.enrol(genesis);
        const first = run(box, failing(box.ledger.db, at, fault));
        // A transaction that writes nothing has no middle.
        await first.catch((refusal) => expect(refusal).toMatchObject({ code: "STORE" }));
        await run(box, box.ledger.db);
        expect(await stateOf(box)).toEqual(expected);
      } finally {
        box.end();
      }
    }
  });
});
