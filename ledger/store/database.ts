/** What the ledger asks of a database, the same for the embedded engine (sqlite.ts) and for a server. SQL text is portable, `?` stands for a cell. */

export type Cell = string | number | Uint8Array | null;

/** Statements within one transaction; of no use after it ended. Refuses STORE. */
export interface Sql {
  /** How many rows it changed. */
  run(sql: string, ...cells: Cell[]): Promise<number>;
  /** All rows, in memory: what may be many is asked for in ranges. */
  all<Row>(sql: string, ...cells: Cell[]): Promise<readonly Row[]>;
  get<Row>(sql: string, ...cells: Cell[]): Promise<Row | undefined>;
  /** Many rows, fast. */
  insert(table: string, columns: readonly string[], rows: Iterable<readonly Cell[]>): Promise<void>;
}

export interface Database {
  /** What stood there at one moment, whatever is written meanwhile. Refuses STORE, BUSY. */
  reading<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * As `reading`, and what it sees is as durable as a commit that returned: what others may be told, and signed. Where the store is a server's, what another process
   * wrote is seen before a standby has it, where that process was told that its commit is unknown.
   */
  settled<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * One transaction, one at a time (never one within another); committed and durable on return, rolled back where `work` throws. Refuses BUSY where another
   * process holds the database, and STORE. A STORE of a commit is **unknown**: what was written may be there or not when the database is opened anew, so
   * that the caller looks, or does the same again where that changes nothing.
   */
  writing<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  close(): void;
}
