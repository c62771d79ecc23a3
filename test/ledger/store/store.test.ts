/** What every engine promises of a store (ledger/store/database.ts). */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database, Sql } from "../../../ledger/store/database.ts";
import { aStore, type TestStore } from "./engine.ts";

const salt = new Uint8Array(32).fill(1);
const content = (n: number) => new Uint8Array(32).fill(n);
const row = (idx: number) => [idx, "seal", salt, content(idx + 1), "{}"] as const;
const columns = ["idx", "type", "salt", "content", "record"];
const insert = (sql: Sql, ...indexes: number[]) => sql.insert("entries", columns, indexes.map(row));
const count = (db: Database) =>
  db.reading(async (sql) => (await sql.get<{ n: number }>("SELECT count(*) AS n FROM entries"))?.n);
const refused = (code: string) => expect.objectContaining({ code });

let store: TestStore;
let db: Database;
beforeEach(async () => {
  store = await aStore((sql) => insert(sql, 0));
  db = await store.open();
});
afterEach(() => {
  db.close();
  store.end();
});

describe("a store", () => {
  it("gives back what was written, blobs as plain arrays", async () => {
    await db.writing((sql) => insert(sql, 1, 2));
    const all = await db.reading((sql) => sql.all("SELECT idx, content FROM entries WHERE idx > ? ORDER BY idx", 0));
    expect(all).toEqual([
      { idx: 1, content: content(2) },
      { idx: 2, content: content(3) },
    ]);
    expect(await db.reading((sql) => sql.get("SELECT idx FROM entries WHERE content = ?", content(9)))).toBeUndefined();
    expect(await db.writing((sql) => sql.run("UPDATE tree_head SET size = 1"))).toBe(0);
  });

  it("NOTHING-LOST: a transaction is there whole or not at all", async () => {
    const half = db.writing(async (sql) => {
      await insert(sql, 1);
      throw new Error("stopped");
    });
    await expect(half).rejects.toThrow("stopped");
    expect(await count(db)).toBe(1);
    await db.writing((sql) => insert(sql, 1));
    expect(await count(db)).toBe(2);
  });

  it("writes one transaction at a time, and reads what was there before it", async () => {
    const order: string[] = [];
    const first = db.writing(async (sql) => {
      order.push("first");
      await insert(sql, 1);
      expect(await count(db)).toBe(1);
      await new Promise((done) => setTimeout(done, 20));
      order.push("first ends");
    });
    const second = db.writing(async (sql) => {
      order.push("second");
      await insert(sql, 2);
    });
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "first ends", "second"]);
    expect(await count(db)).toBe(3);
  });

  it("a reading is of one moment, also while others write", async () => {
    const seen = await db.reading(async (sql) => {
      const before = await sql.get<{ n: number }>("SELECT count(*) AS n FROM entries");
      await db.writing((writing) => insert(writing, 1));
      return [before, await sql.get<{ n: number }>("SELECT count(*) AS n FROM entries")];
    });
    expect(seen).toEqual([{ n: 1 }, { n: 1 }]);
    expect(await count(db)).toBe(2);
    await expect(db.reading((sql) => insert(sql, 5))).rejects.toEqual(refused("STORE"));
  });

  it("BUSY: another process holds it; it is told, and can be tried again", async () => {
    const other = await store.open();
    try {
      await other.writing(async (sql) => {
        await insert(sql, 1);
        await expect(db.writing((mine) => insert(mine, 2))).rejects.toEqual(refused("BUSY"));
      });
      await db.writing((mine) => insert(mine, 2));
      expect(await count(other)).toBe(3);
    } finally {
      other.close();
    }
  });

  it("takes many rows at once, and cells of every kind", async () => {
    const many = Array.from({ length: 1000 }, (_, at) => at + 1);
    const rows = many.map((n) => [
      n,
      "a",
      new Uint8Array(32),
      new Uint8Array([...content(0).subarray(2), n >> 8, n & 255]),
      `ü'?$1 "${n}"`,
    ]);
    await db.writing((sql) => sql.insert("entries", columns, rows));
    expect(await count(db)).toBe(1001);
    const got = await db.settled((sql) =>
      sql.get("SELECT record, idx > 5 AS larger, NULL AS none FROM entries WHERE idx = ? AND type = 'a'", 1000),
    );
    expect(got).toEqual({ record: `ü'?$1 "1000"`, larger: 1, none: null });
    await expect(
      db.writing((sql) =>
        sql.insert("entries", columns, [
          ...rows.slice(0, 3).map(([n, ...rest]) => [Number(n) + 5000, ...rest]),
          ...rows,
        ] as never),
      ),
    ).rejects.toEqual(refused("STORE"));
    expect(await count(db)).toBe(1001);
  });

  it("STORE: rows that are kept refuse every change", async () => {
    for (const statement of [
      "UPDATE entries SET record = 'x'",
      "DELETE FROM entries",
      "DELETE FROM tree_head WHERE one = 1",
      "INSERT INTO entries SELECT -1, type, salt, salt, record FROM entries",
    ]) {
      const head = (sql: Sql) =>
        sql.insert("tree_head", ["one", "origin", "size", "root", "epoch"], [[1, "a", 0, salt, 0]]);
      await expect(
        db.writing(async (sql) => {
          await head(sql);
          return sql.run(statement);
        }),
      ).rejects.toEqual(refused("STORE"));
    }
    expect(await count(db)).toBe(1);
  });

  it("texts are in the order of their bytes", async () => {
    const names = ["b", "Ä", "a", "Z", "é", "zz"];
    await db.writing((sql) =>
      sql.insert(
        "time_authorities",
        ["url"],
        names.map((name) => [name]),
      ),
    );
    const got = await db.reading((sql) => sql.all<{ url: string }>("SELECT url FROM time_authorities ORDER BY url"));
    expect(got.map(({ url }) => url)).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  it("INTERNAL: a statement after the end of its transaction is refused", async () => {
    const kept = await db.writing(async (sql) => sql);
    await expect(kept.run("DELETE FROM entries")).rejects.toEqual(refused("INTERNAL"));
  });

  it("STORE: what is closed is of no use any more", async () => {
    db.close();
    await expect(count(db)).rejects.toEqual(refused("STORE"));
    await expect(db.writing((sql) => insert(sql, 1))).rejects.toEqual(refused("STORE"));
  });
});
