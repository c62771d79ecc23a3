/** The database file of the heads: made once, opened by one process at a time, every commit durable. */

import { chmodSync, existsSync } from "node:fs";
import Database from "better-sqlite3";
import { Refusal } from "../../manifests/refusal.ts";
import { fileIdentity } from "./identity.ts";
import { schema } from "./schema.ts";

export type Db = Database.Database;

/** Makes the file; no head is in it. Refuses STORE where something is there. */
export function createHeads(path: string): void {
  if (existsSync(path)) throw new Refusal("STORE", "heads are kept there already", { about: path });
  const db = new Database(path);
  try {
    chmodSync(path, 0o600);
    prepare(db);
    db.transaction(() => {
      for (const statement of schema) db.exec(statement);
      db.prepare("INSERT INTO file VALUES (1, 0, ?)").run(fileIdentity(path));
    }).exclusive();
  } finally {
    db.close();
  }
}

/** Opens the file and locks it against every other process. Refuses STORE where it is missing or damaged, or not what was made; BUSY where a process has it open. */
export function openHeads(path: string): Db {
  if (!existsSync(path)) throw new Refusal("STORE", "no heads are kept there", { about: path });
  let db: Db | undefined;
  try {
    db = new Database(path, { fileMustExist: true, timeout: 1000 });
    prepare(db);
    const opened = db;
    opened.transaction(() => checkSchema(opened, path)).exclusive();
    return opened;
  } catch (fault) {
    db?.close();
    throw storeFault(fault, path);
  }
}

/** A refusal for a fault of the database; others pass. */
export function storeFault(fault: unknown, path: string): unknown {
  if (!(fault instanceof Database.SqliteError)) return fault;
  if (fault.code.startsWith("SQLITE_BUSY")) {
    return new Refusal("BUSY", "another process keeps the heads open", { about: path, cause: fault });
  }
  return new Refusal("STORE", `the heads' file failed (${fault.code})`, { about: path, cause: fault });
}

/** A rollback journal: at rest there is this one file, with nothing beside it that a copy could miss. EXTRA also syncs the folder once the journal is gone. */
function prepare(db: Db): void {
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = DELETE");
  db.pragma("synchronous = EXTRA");
  db.pragma("recursive_triggers = ON");
  db.pragma("trusted_schema = OFF");
  db.pragma("cell_size_check = ON");
}

function checkSchema(db: Db, path: string): void {
  const got = db
    .prepare<[], string>("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    .pluck()
    .all();
  if (got.length === schema.length && got.every((statement, at) => statement === schema[at])) return;
  throw new Refusal("STORE", "the heads' file holds other tables than it was made with", { about: path });
}
