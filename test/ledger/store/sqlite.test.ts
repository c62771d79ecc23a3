import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database, Sql } from "../../../ledger/store/database.ts";
import { sqliteSchema } from "../../../ledger/store/schema.ts";
import { createSqlite, openSqlite } from "../../../ledger/store/sqlite.ts";

const salt = new Uint8Array(32).fill(1);
const content = (n: number) => new Uint8Array(32).fill(n);
const row = (idx: number) => [idx, "seal", salt, content(idx + 1), "{}"] as const;
const columns = ["idx", "type", "salt", "content", "record"];
const insert = (sql: Sql, ...indexes: number[]) => sql.insert("entries", columns, indexes.map(row));
const count = (db: Database) =>
  db.reading(async (sql) => (await sql.get<{ n: number }>("SELECT count(*) AS n FROM entries"))?.n);
const refused = (code: string) => expect.objectContaining({ code });

let dir: string;
let path: string;
let db: Database;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-ledger-store-"));
  path = join(dir, "store.sqlite");
  await createSqlite(path, (sql) => insert(sql, 0));
  db = openSqlite(path);
});
afterEach(() => {
  db.close();
  rmSync(dir, { recursive: true });
});

describe("a store in SQLite", () => {
  it("STORE: is made whole, once, with nothing beside it", async () => {
    db.close();
    expect(readdirSync(dir)).toEqual(["store.sqlite"]);
    await expect(createSqlite(path, async () => undefined)).rejects.toEqual(refused("STORE"));
    const other = join(dir, "other.sqlite");
    await expect(createSqlite(other, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(readdirSync(dir)).toEqual(["store.sqlite"]);
  });

  it("STORE: rows that are kept refuse every change, also a replacement", async () => {
    for (const statement of [
      "UPDATE entries SET record = 'x'",
      "DELETE FROM entries",
      "REPLACE INTO entries SELECT idx, 'refusal', salt, content, record FROM entries",
      "INSERT INTO entries VALUES (-1, 'seal', zeroblob(32), zeroblob(32), '{}')",
      "INSERT INTO entries VALUES (7, 'seal', zeroblob(31), zeroblob(32), '{}')",
      "INSERT INTO entries VALUES ('seven', 'seal', zeroblob(32), zeroblob(32), '{}')",
    ]) {
      await expect(db.writing((sql) => sql.run(statement))).rejects.toEqual(refused("STORE"));
    }
    await expect(db.writing((sql) => insert(sql, 0))).rejects.toEqual(refused("STORE"));
    expect(await count(db)).toBe(1);
  });
});

describe("opening a store", () => {
  const tampered = (statement: string) => {
    db.close();
    const raw = new Sqlite(path);
    raw.exec(statement);
    raw.close();
  };

  it.each([
    ["a trigger that is gone", "DROP TRIGGER entries_kept"],
    ["a table more", "CREATE TABLE more (a)"],
    ["another program's file", "PRAGMA application_id = 7"],
  ])("STORE: %s is refused", (_, statement) => {
    tampered(statement);
    expect(() => openSqlite(path)).toThrow(refused("STORE"));
  });

  it("STORE: no file, no database, a damaged one", () => {
    expect(() => openSqlite(join(dir, "none"))).toThrow(refused("STORE"));
    expect(existsSync(join(dir, "none"))).toBe(false);
    writeFileSync(join(dir, "text"), "no database at all, only text, but long enough to be looked at".repeat(100));
    expect(() => openSqlite(join(dir, "text"))).toThrow(refused("STORE"));
    db.close();
    cpSync(path, join(dir, "cut"));
    execFileSync("truncate", ["-s", "5000", join(dir, "cut")]);
    expect(() => openSqlite(join(dir, "cut"))).toThrow(refused("STORE"));
  });

  it("every table has the triggers of its kind", () => {
    expect(sqliteSchema.filter((statement) => statement.includes("TRIGGER entries_"))).toHaveLength(2);
    expect(sqliteSchema.filter((statement) => statement.includes("TRIGGER tree_head_"))).toHaveLength(1);
  });
});
