/** The embedded database: one file, no server. WAL with synchronous FULL, so that a commit is on the disk when it returns. */

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import Sqlite from "better-sqlite3";
import { moveDurable, removeDurable } from "../../host/durable.ts";
import { InTurn } from "../../host/in-turn.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Database, Sql } from "./database.ts";
import { schemaVersion, sqliteSchema } from "./schema.ts";
import { SqliteSql, storeFault } from "./sqlite-sql.ts";
import { applicationId, bringUp, checkedVersion, checkThere, noteVersion, olderStore } from "./sqlite-version.ts";

type Db = Sqlite.Database;

/** How long a statement waits for another process, ms. */
const patience = 2000;
const readersKept = 4;
/** A seal has two or three KiB: of SQLite's usual pages of 4 KiB each takes one, and an ingest half as much time again for its rows. */
const pageBytes = 16 * 1024;

/**
 * Makes the database at `path` and fills it by `fill` in one transaction; it stands there whole or not at all. Refuses STORE where something is there
 * already: a record is never overwritten.
 */
export async function createSqlite(path: string, fill: (sql: Sql) => Promise<void>): Promise<void> {
  if (existsSync(path)) throw new Refusal("STORE", "a store is already there", { expected: "none", about: path });
  const temporary = `${dirname(path)}/.tmp-${randomBytes(8).toString("hex")}`;
  try {
    const db = new Sqlite(temporary);
    const made = new SqliteDatabase(temporary, db);
    try {
      // Good from the first page on, and before WAL, which keeps it.
      db.pragma(`page_size = ${pageBytes}`);
      prepare(db);
      await made.writing(async (sql) => {
        db.pragma(`application_id = ${applicationId}`);
        for (const statement of sqliteSchema) db.exec(statement);
        noteVersion(db, schemaVersion);
        await fill(sql);
      });
    } finally {
      // The last to close moves all out of the WAL into the file.
      made.close();
    }
    await moveDurable(temporary, path);
  } catch (fault) {
    for (const ending of ["", "-wal", "-shm"]) await removeDurable(`${temporary}${ending}`);
    throw storeFault(fault).fault;
  }
}

/**
 * Opens the database at `path`; several processes may. Refuses STORE where it is missing, damaged or of another program, and where its tables or
 * triggers are not those it was made with; STORE-VERSION an older store, which `upgradeSqlite` brings up, and a newer one.
 */
export function openSqlite(path: string): Database {
  checkThere(path);
  let db: Db | undefined;
  try {
    db = new Sqlite(path, { fileMustExist: true, timeout: patience });
    const version = checkedVersion(db, path);
    if (version < schemaVersion) throw olderStore(version, path);
    prepare(db);
    return new SqliteDatabase(path, db);
  } catch (fault) {
    db?.close();
    throw storeFault(fault).fault;
  }
}

/**
 * Brings an older store up to this program's version in one transaction; the version that it had. Nothing that was recorded is touched. Durable on return; killed
 * before that it is as it was. Refuses as `openSqlite` does, but an older store; BUSY where another process writes.
 */
export function upgradeSqlite(path: string): number {
  checkThere(path);
  let db: Db | undefined;
  try {
    db = new Sqlite(path, { fileMustExist: true, timeout: patience });
    checkedVersion(db, path);
    prepare(db);
    const opened = db;
    return opened.transaction(() => bringUp(opened, checkedVersion(opened, path))).immediate();
  } catch (fault) {
    throw storeFault(fault).fault;
  } finally {
    db?.close();
  }
}

class SqliteDatabase implements Database {
  readonly #path: string;
  readonly #writer: Db;
  /** connections that nobody reads from now */
  readonly #readers: Db[] = [];
  readonly #turn = new InTurn();
  /** Why nothing is done any more: the file may hold something else than this process believes. */
  #lost: Refusal | undefined;

  constructor(path: string, writer: Db) {
    this.#path = path;
    this.#writer = writer;
  }

  async reading<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const reader = this.#readers.pop() ?? this.#openReader();
    try {
      return await this.#transaction(reader, "BEGIN", work);
    } finally {
      if (this.#lost || !this.#writer.open || this.#readers.length >= readersKept) reader.close();
      else this.#readers.push(reader);
    }
  }

  /** A commit is seen when it is on the disk. */
  settled<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.reading(work);
  }

  writing<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#turn.run(() => this.#transaction(this.#writer, "BEGIN IMMEDIATE", work));
  }

  close(): void {
    for (const reader of this.#readers.splice(0)) reader.close();
    this.#writer.close();
  }

  async #transaction<T>(db: Db, begin: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    this.#checkUsable();
    const sql = new SqliteSql(db);
    try {
      db.exec(begin);
      const result = await work(sql);
      db.exec("COMMIT");
      return result;
    } catch (thrown) {
      const { fault, lost } = storeFault(thrown);
      if (lost) this.#lost = fault as Refusal;
      this.#rollBack(db);
      throw fault;
    } finally {
      sql.end();
    }
  }

  #rollBack(db: Db): void {
    try {
      if (db.open && db.inTransaction) db.exec("ROLLBACK");
    } catch (fault) {
      this.#lost ??= storeFault(fault).fault as Refusal;
    }
  }

  #checkUsable(): void {
    if (this.#lost) throw new Refusal("STORE", "the store failed before: open it anew", { cause: this.#lost });
    if (!this.#writer.open) throw new Refusal("STORE", "the store is closed", { about: this.#path });
  }

  #openReader(): Db {
    this.#checkUsable();
    try {
      const reader = new Sqlite(this.#path, { readonly: true, fileMustExist: true, timeout: patience });
      prepareAny(reader);
      return reader;
    } catch (fault) {
      throw storeFault(fault).fault;
    }
  }
}

function prepare(db: Db): void {
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  // so that a row replaced by INSERT OR REPLACE meets the DELETE triggers too
  db.pragma("recursive_triggers = ON");
  prepareAny(db);
}

function prepareAny(db: Db): void {
  db.pragma("trusted_schema = OFF");
  db.pragma("cell_size_check = ON");
}
