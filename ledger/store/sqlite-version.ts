/** Whose file a store is, and which version of the schema: each file is held against the very statements that made its version. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type Sqlite from "better-sqlite3";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { schemaVersion, sqliteStatements, tablesBetween } from "./schema.ts";

type Db = Sqlite.Database;

/** "Cold", with the last bit for the ledger. */
export const applicationId = 0x436f6c65;

/** Refuses STORE. */
export function checkThere(path: string): void {
  if (existsSync(path)) return;
  throw new Refusal("STORE", "no store of a ledger here", {
    expected: "a folder that `coldseal ledger init` made",
    got: "none",
    about: dirname(path),
  });
}

/** The version of a store that is whole. Refuses STORE what is none, or has other tables than its version; STORE-VERSION a newer one than this program knows. */
export function checkedVersion(db: Db, path: string): number {
  if (db.pragma("application_id", { simple: true }) !== applicationId) {
    throw new Refusal("STORE", "this is no store of a ledger", { about: path });
  }
  const version = versionOf(db);
  if (version > schemaVersion) {
    throw newerStore(version, path);
  }
  checkSchema(db, version, path);
  return version;
}

export function newerStore(version: number, about: string): Refusal {
  return new Refusal("STORE-VERSION", "a newer Coldseal made this store: this one does not know all that is in it", {
    expected: `version ${schemaVersion} at most`,
    got: `version ${version}`,
    about,
  });
}

export function olderStore(version: number, path: string): Refusal {
  return new Refusal("STORE-VERSION", "an older Coldseal made this store: it has to be brought up first", {
    expected: `version ${schemaVersion}: \`coldseal ledger upgrade FOLDER --backup DIR\``,
    got: `version ${version}`,
    about: path,
  });
}

/** Within a transaction: makes what a store of version `from` lacks, and notes it. `from` again. */
export function bringUp(db: Db, from: number): number {
  for (let version = from + 1; version <= schemaVersion; version++) {
    for (const statement of sqliteStatements(tablesBetween(version - 1, version))) db.exec(statement);
    noteVersion(db, version);
  }
  return from;
}

export function noteVersion(db: Db, version: number): void {
  db.prepare("INSERT INTO schema_versions (version, since) VALUES (?, ?)").run(version, utcOf(Date.now()));
}

function versionOf(db: Db): number {
  const says = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_versions'").get();
  if (says === undefined) return 1;
  return Number(db.prepare("SELECT max(version) FROM schema_versions").pluck().get() ?? 0);
}

function checkSchema(db: Db, version: number, path: string): void {
  const got = db
    .prepare<[], string>("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    .pluck()
    .all();
  checkMadeSo(got, sqliteStatements(tablesBetween(0, version)), 80, path);
}

/** Refuses STORE what has other tables or triggers than those it was made with; `most`: characters of the first that differs. */
export function checkMadeSo(got: readonly string[], made: readonly string[], most: number, about: string): void {
  const missing = new Set(made);
  const other = got.find((statement) => !missing.delete(statement));
  const [lacks] = missing;
  if (other === undefined && lacks === undefined) return;
  throw new Refusal("STORE", "the store's tables or triggers are not those it was made with", {
    expected: lacks?.slice(0, most) ?? "nothing more",
    got: other?.slice(0, most) ?? "none",
    about,
  });
}
