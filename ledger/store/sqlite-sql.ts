/** Statements on one connection of SQLite, within one transaction. */

import { setImmediate } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { Refusal } from "../../manifests/refusal.ts";
import type { Cell, Sql } from "./database.ts";

type Db = Sqlite.Database;
type Statement = Sqlite.Statement<Cell[]>;

/** Prepared once a connection; there are as many texts as the code has statements. */
const prepared = new WeakMap<Db, Map<string, Statement>>();
/** So often others get their turn while many rows are written. */
const rowsInOneGo = 1000;

export class SqliteSql implements Sql {
  #db: Db | undefined;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Called when the transaction ended. */
  end(): void {
    this.#db = undefined;
  }

  async run(sql: string, ...cells: Cell[]): Promise<number> {
    return this.#statement(sql).run(...cells).changes;
  }

  async all<Row>(sql: string, ...cells: Cell[]): Promise<readonly Row[]> {
    return this.#statement(sql)
      .all(...cells)
      .map(plainRow) as Row[];
  }

  async get<Row>(sql: string, ...cells: Cell[]): Promise<Row | undefined> {
    const row = this.#statement(sql).get(...cells);
    return row === undefined ? undefined : (plainRow(row) as Row);
  }

  async insert(table: string, columns: readonly string[], rows: Iterable<readonly Cell[]>): Promise<void> {
    const marks = columns.map(() => "?").join(", ");
    const text = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${marks})`;
    let count = 0;
    for (const row of rows) {
      if (++count % rowsInOneGo === 0) await setImmediate();
      this.#statement(text).run(...row);
    }
  }

  #statement(text: string): Statement {
    if (this.#db === undefined) throw new Refusal("INTERNAL", "a statement after its transaction has ended");
    const texts = prepared.get(this.#db) ?? new Map<string, Statement>();
    if (texts.size === 0) prepared.set(this.#db, texts);
    const known = texts.get(text);
    if (known !== undefined) return known;
    const made = this.#db.prepare<Cell[]>(text);
    texts.set(text, made);
    return made;
  }
}

/**
 * What a fault is to a caller: one of the database is BUSY or STORE, whatever else it is stays itself. `lost`: the file may hold something
 * else than this process believes.
 */
export function storeFault(fault: unknown): { readonly fault: unknown; readonly lost: boolean } {
  if (!(fault instanceof Sqlite.SqliteError)) return { fault, lost: false };
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(fault.code)) {
    return { fault: new Refusal("BUSY", "another process holds the ledger's store", { cause: fault }), lost: false };
  }
  const refusal = new Refusal("STORE", `the store failed (${fault.code})`, { got: fault.message, cause: fault });
  return { fault: refusal, lost: /^SQLITE_(?:IOERR|CORRUPT|NOTADB)/.test(fault.code) };
}

/** Blobs as plain arrays: what is read is of one kind, whichever engine it comes from. */
function plainRow(row: unknown): unknown {
  const cells = row as Record<string, unknown>;
  for (const [name, cell] of Object.entries(cells)) {
    if (Buffer.isBuffer(cell)) cells[name] = new Uint8Array(cell.buffer, cell.byteOffset, cell.length);
  }
  return cells;
}
