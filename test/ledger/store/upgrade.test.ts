/** A store that an older Coldseal made (test/vectors/ledger/store-1.sql: version 1, one box with one sealed batch) is brought up whole or not at all, and holds what it held. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import type { Database } from "../../../ledger/store/database.ts";
import { schemaVersion } from "../../../ledger/store/schema.ts";
import { createSqlite, openSqlite, upgradeSqlite } from "../../../ledger/store/sqlite.ts";
import { oldStore } from "../old-store.ts";

const refused = (code: string, got = "") => expect.objectContaining({ code, got: expect.stringContaining(got) });

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-upgrade-"));
  path = join(dir, "store.sqlite");
});
afterEach(() => rmSync(dir, { recursive: true }));

async function findings(db: Database) {
  const { origin } = (await db.reading((sql) => sql.get<{ origin: string }>("SELECT origin FROM tree_head"))) ?? {};
  return checkLedger({ db, folder: dir, origin: origin ?? "" }, []);
}

describe("a store of version 1", () => {
  beforeEach(() => oldStore(path));

  it("STORE-VERSION: is not opened before it is brought up, and says how", () => {
    expect(() => openSqlite(path)).toThrow(refused("STORE-VERSION", "version 1"));
  });

  it("STORE-VERSION: is brought up, once; every row is what it was, and verifies", async () => {
    const rows = () => {
      const db = new Sqlite(path, { readonly: true });
      const all = ["entries", "tiles", "tree_head", "box_manifests", "evidence", "box_seals", "chain_links"].map(
        (table) => db.prepare(`SELECT * FROM ${table}`).all(),
      );
      db.close();
      return all;
    };
    const before = rows();
    expect(upgradeSqlite(path)).toBe(1);
    expect(rows()).toEqual(before);
    expect(upgradeSqlite(path)).toBe(schemaVersion);
    const db = openSqlite(path);
    expect(await findings(db)).toMatchObject({ count: 0, size: 2 });
    const versions = await db.reading((sql) => sql.all("SELECT version FROM schema_versions ORDER BY version"));
    expect(versions).toEqual(Array.from({ length: schemaVersion - 1 }, (_, at) => ({ version: at + 2 })));
    db.close();
  });

  it("STORE: one with other tables than version 1 had is damaged, and stays as it is", () => {
    const db = new Sqlite(path);
    db.exec("DROP TRIGGER entries_kept");
    db.close();
    const before = readFileSync(path);
    expect(() => upgradeSqlite(path)).toThrow(refused("STORE"));
    expect(readFileSync(path)).toEqual(before);
  });

  it("BUSY: while another process writes nothing is changed", () => {
    const other = new Sqlite(path);
    other.exec("BEGIN IMMEDIATE");
    expect(() => upgradeSqlite(path)).toThrow(expect.objectContaining({ code: "BUSY" }));
    other.exec("ROLLBACK");
    other.close();
    expect(upgradeSqlite(path)).toBe(1);
  });
});

describe("a store of this version", () => {
  it("STORE-VERSION: says so, and one of a newer Coldseal is neither opened nor brought up", async () => {
    await createSqlite(path, async () => undefined);
    expect(upgradeSqlite(path)).toBe(schemaVersion);
    const db = new Sqlite(path);
    db.prepare("INSERT INTO schema_versions VALUES (?, '2030-01-01T00:00:00Z')").run(schemaVersion + 1);
    db.exec("CREATE TABLE of_tomorrow (a INTEGER) STRICT");
    db.close();
    for (const open of [openSqlite, upgradeSqlite]) {
      expect(() => open(path)).toThrow(refused("STORE-VERSION", `version ${schemaVersion + 1}`));
    }
  });

  it("STORE: one whose versions were taken away has other tables than that version", async () => {
    await createSqlite(path, async () => undefined);
    const db = new Sqlite(path);
    db.exec("DROP TRIGGER schema_versions_kept; DELETE FROM schema_versions");
    db.close();
    expect(() => openSqlite(path)).toThrow(refused("STORE"));
  });
});
