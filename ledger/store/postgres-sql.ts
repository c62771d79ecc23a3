/** Statements on one connection of PostgreSQL, within one transaction. */

import { setImmediate } from "node:timers/promises";
import { Refusal } from "../../manifests/refusal.ts";
import type { Cell, Sql } from "./database.ts";
import { type PostgresConnection, PostgresFault } from "./postgres-connection.ts";

/** Sent in one statement. */
const rowsAtOnce = 128;

interface Named {
  readonly name: string;
  readonly text: string;
}

/** By the portable text; there are as many as the code has statements. A server prepares one once a connection, by its name. */
const known = new Map<string, Named>();

export class PostgresSql implements Sql {
  #connection: PostgresConnection | undefined;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /** Called when the transaction ended. */
  end(): void {
    this.#connection = undefined;
  }

  async run(sql: string, ...cells: Cell[]): Promise<number> {
    return (await this.#query(named(sql), cells)).rowCount ?? 0;
  }

  async all<Row>(sql: string, ...cells: Cell[]): Promise<readonly Row[]> {
    return (await this.#query(named(sql), cells)).rows as Row[];
  }

  async get<Row>(sql: string, ...cells: Cell[]): Promise<Row | undefined> {
    return (await this.all<Row>(sql, ...cells))[0];
  }

  /** While the server takes rows, the next ones are made ready. */
  async insert(table: string, columns: readonly string[], rows: Iterable<readonly Cell[]>): Promise<void> {
    let sent: Promise<unknown> = Promise.resolve();
    let cells: Cell[] = [];
    const send = async () => {
      await sent;
      const count = cells.length / columns.length;
      sent = this.#query(insertion(table, columns, count), cells);
      // Waited for at the next turn; what it throws meanwhile is not lost.
      sent.catch(() => undefined);
      cells = [];
      await setImmediate();
    };
    for (const row of rows) {
      cells.push(...row);
      if (cells.length === rowsAtOnce * columns.length) await send();
    }
    if (cells.length > 0) await send();
    await sent;
  }

  #query(statement: Named | { readonly text: string }, values: Cell[]) {
    if (this.#connection === undefined) throw new Refusal("INTERNAL", "a statement after its transaction has ended");
    return this.#connection.query({ ...statement, values });
  }
}

/**
 * What a fault is to a caller: one of the database is BUSY or STORE, whatever else it is stays itself.
 */
export function storeFault(fault: unknown): unknown {
  if (!(fault instanceof PostgresFault)) return fault;
  const { message, state } = fault;
  // lock_not_available, serialization_failure, deadlock_detected
  if (state !== undefined && ["55P03", "40001", "40P01"].includes(state)) {
    return new Refusal("BUSY", "another process holds the ledger's store", { cause: fault });
  }
  const words = state === undefined ? "the connection to the store broke" : `the store failed (${state})`;
  return new Refusal("STORE", words, { got: message, cause: fault });
}

function named(sql: string): Named {
  const found = known.get(sql);
  if (found !== undefined) return found;
  const statement = { name: `coldseal_${known.size}`, text: numbered(sql) };
  known.set(sql, statement);
  return statement;
}

/** `?` becomes `$1`, `$2`…; within quotes it is text. */
export function numbered(sql: string): string {
  let count = 0;
  return sql.replace(/'(?:[^']|'')*'|"[^"]*"|\?/g, (found) => (found === "?" ? `$${++count}` : found));
}

/** Only the two that come again and again are prepared: one row, and as many as go at once. */
function insertion(table: string, columns: readonly string[], count: number): Named | { readonly text: string } {
  const row = `(${columns.map(() => "?").join(", ")})`;
  const text = `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${Array(count).fill(row).join(", ")}`;
  return count === 1 || count === rowsAtOnce ? named(text) : { text: numbered(text) };
}
