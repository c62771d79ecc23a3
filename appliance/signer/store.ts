/** The signer's database file: made once by the ceremony, opened by one process at a time, every commit durable. */

import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { Refusal } from "../../manifests/refusal.ts";
import { additions, schema } from "./schema.ts";

export type Db = Database.Database;

const applicationId = 0x436f6c64;

/**
 * Makes the store at `path` and fills it by `fill` in one transaction. Refuses with STORE when the file is there:
 * an existing record is never overwritten.
 */
export function createStore(path: string, fill: (db: Db) => void): Db {
  if (existsSync(path)) throw new Refusal("STORE", "a store is already there", { about: path });
  const db = new Database(path);
  prepare(db);
  db.transaction(() => {
    db.pragma(`application_id = ${applicationId}`);
    for (const statement of schema) db.exec(statement);
    fill(db);
  }).exclusive();
  return db;
}

/**
 * Opens the store at `path` and locks it against other processes; one of an earlier version gets the tables that came since, empty: what the journal tells of
 * them is held against them by whoever verifies the record. Refuses with STORE when it is missing, in use or
 * damaged, and with CHAIN when its tables or triggers are not those it was made with.
 */
export function openStore(path: string): Db {
  if (!existsSync(path)) throw new Refusal("STORE", "no store here: only the ceremony makes one", { about: path });
  let db: Db | undefined;
  try {
    const opened = new Database(path, { fileMustExist: true, timeout: 2000 });
    db = opened;
    prepare(opened);
    opened
      .transaction(() => {
        addMissing(opened);
        checkSchema(opened, path);
      })
      .exclusive();
    return opened;
  } catch (fault) {
    // A store that is not given out must not stay locked.
    db?.close();
    if (fault instanceof Refusal) throw fault;
    throw new Refusal("STORE", `the store cannot be opened: ${(fault as Error).message}`, {
      about: path,
      cause: fault,
    });
  }
}

/**
 * What a fault is to a caller: one of the database is STORE, whatever else it is stays itself. `lost` says that the file
 * may hold something else than this process believes: it must be opened anew.
 */
export function storeFault(fault: unknown): { readonly fault: unknown; readonly lost: boolean } {
  if (!(fault instanceof Database.SqliteError)) return { fault, lost: false };
  const refusal = new Refusal("STORE", `the store failed (${fault.code})`, { cause: fault });
  return { fault: refusal, lost: /^SQLITE_(?:IOERR|CORRUPT|NOTADB)/.test(fault.code) };
}

function prepare(db: Db): void {
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  // so that a row replaced by INSERT OR REPLACE meets the DELETE triggers too
  db.pragma("recursive_triggers = ON");
  db.pragma("trusted_schema = OFF");
  db.pragma("cell_size_check = ON");
}

/** A table that is there in part was changed by somebody, and is refused by `checkSchema`. */
function addMissing(db: Db): void {
  const held = new Set(statementsOf(db));
  for (const addition of additions) {
    if (!addition.some((statement) => held.has(statement))) for (const statement of addition) db.exec(statement);
  }
}

function statementsOf(db: Db): readonly string[] {
  return db.prepare<[], string>("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").pluck().all();
}

function checkSchema(db: Db, path: string): void {
  const got = statementsOf(db);
  const expected = new Set<string>(schema);
  for (const statement of got) {
    if (!expected.delete(statement)) {
      throw new Refusal("CHAIN", "the store holds something it was not made with", {
        about: path,
        got: statement.slice(0, 80),
      });
    }
  }
  const [missing] = expected;
  if (missing !== undefined) {
    throw new Refusal("CHAIN", "the store lacks something it was made with", {
      about: path,
      expected: missing.slice(0, 80),
    });
  }
}
