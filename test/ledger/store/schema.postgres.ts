/** What a store on PostgreSQL is held against when it is opened, and what nobody changes in it without that showing. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLedger, openLedger } from "../../../ledger/ledger-folder.ts";
import { createPostgres, openPostgres, upgradePostgres } from "../../../ledger/store/postgres.ts";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { postgresStatements, schemaVersion } from "../../../ledger/store/schema.ts";
import { administer, newStore } from "./engine.ts";

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

let settings: PostgresSettings;
let dir: string;
let folder: string;
beforeEach(async () => {
  settings = newStore() as PostgresSettings;
  dir = mkdtempSync(join(tmpdir(), "coldseal-schema-"));
  folder = join(dir, "ledger");
  await createLedger(folder, "a.example/log", undefined, settings);
});
afterEach(() => rmSync(dir, { recursive: true }));

const change = (sql: string) => administer(`SET search_path = ${settings.schema}; ${sql}`);

describe("opening a store on PostgreSQL", () => {
  it.each([
    ["a trigger that is gone", "DROP TRIGGER entries_kept ON entries"],
    ["a trigger that sleeps", "ALTER TABLE entries DISABLE TRIGGER entries_kept"],
    ["a trigger that sleeps where a session replicates", "ALTER TABLE tiles ENABLE TRIGGER tiles_kept"],
    [
      "triggers of foreign keys that sleep",
      "ALTER TABLE box_seals DISABLE TRIGGER ALL; ALTER TABLE box_seals ENABLE ALWAYS TRIGGER box_seals_kept",
    ],
    [
      "a trigger's function that lets through",
      "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    ],
    ["a table more", "CREATE TABLE more (a int)"],
    ["a view", "CREATE VIEW more AS SELECT 1 AS a"],
    ["a table that is gone", "DROP TABLE anchor_tokens"],
    ["a column more", "ALTER TABLE entries ADD COLUMN more int"],
    ["a column of another kind", "ALTER TABLE entries ALTER COLUMN record DROP NOT NULL"],
    ["a check that is gone", "ALTER TABLE entries DROP CONSTRAINT entries_idx_check"],
    ["an index that is gone", "DROP INDEX box_documents_by_digest"],
    ["rows that are not kept in a crash", "ALTER TABLE anchor_tokens SET UNLOGGED"],
    ["a rule", "CREATE RULE nothing AS ON INSERT TO entries DO INSTEAD NOTHING"],
    ["rows that hide", "ALTER TABLE entries ENABLE ROW LEVEL SECURITY"],
  ])("STORE: %s is refused", async (_, sql) => {
    (await openLedger(folder)).close();
    change(sql);
    await expect(openLedger(folder)).rejects.toEqual(refused("STORE", /not those it was made with/));
    await expect(openPostgres(settings)).rejects.toEqual(refused("STORE", /not those it was made with/));
  });

  it("what was looked at before is looked at again as closely where that is not known", async () => {
    rmSync(join(folder, "postgres-schema"));
    (await openLedger(folder)).close();
    writeFileSync(join(folder, "postgres-schema"), "00\n");
    (await openLedger(folder)).close();
    change("DROP TRIGGER entries_kept ON entries");
    rmSync(join(folder, "postgres-schema"));
    await expect(openLedger(folder)).rejects.toEqual(refused("STORE", /not those it was made with/));
  });

  it("STORE: none there, one there already", async () => {
    await expect(openPostgres({ ...settings, schema: "nothing_here" })).rejects.toEqual(refused("STORE", /no store/));
    await expect(createPostgres(settings, async () => undefined)).rejects.toEqual(refused("STORE", /already there/));
    const none = newStore() as PostgresSettings;
    await expect(createPostgres(none, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await expect(openPostgres(none)).rejects.toEqual(refused("STORE", /no store/));
  });

  it("STORE: kept rows are kept from the owner of the tables too, and from a session that replicates", () => {
    const statements = ["UPDATE entries SET idx = 1", "DELETE FROM entries", "TRUNCATE entries", "TRUNCATE tree_head"];
    for (const statement of statements) {
      for (const role of ["origin", "replica"]) {
        expect(() => change(`SET session_replication_role = ${role}; ${statement}`)).toThrow(/is kept as it is/);
      }
    }
  });
});

describe("a store of another version", () => {
  it("STORE-VERSION: a newer one is neither opened nor brought up", async () => {
    change(`INSERT INTO schema_versions VALUES (${schemaVersion + 1}, 'then')`);
    for (const open of [() => openLedger(folder), () => upgradePostgres(settings)]) {
      await expect(open()).rejects.toEqual(refused("STORE-VERSION", /newer/));
    }
  });

  it("STORE-VERSION: an older one is not opened before it is brought up, whole, once", async () => {
    const older = newStore() as PostgresSettings;
    const statements = postgresStatements(0, 1).map((statement) => statement.replaceAll("$$", "$body$"));
    administer(
      `CREATE SCHEMA ${older.schema} AUTHORIZATION ${older.user}; SET ROLE ${older.user}; SET search_path = ${older.schema}; ${statements.join(";")}`,
    );
    await expect(openPostgres(older)).rejects.toEqual(refused("STORE-VERSION", /older/));
    expect(await upgradePostgres(older)).toBe(1);
    expect(await upgradePostgres(older)).toBe(schemaVersion);
    const { db } = await openPostgres(older);
    const versions = await db.reading((sql) => sql.all("SELECT version FROM schema_versions ORDER BY version"));
    expect(versions).toEqual(Array.from({ length: schemaVersion - 1 }, (_, at) => ({ version: at + 2 })));
    db.close();
  });
});
