/** All tables of the ledger, and the statements that make them in SQLite. What was recorded once stays as it is: triggers refuse. */

import { acknowledgementTables } from "../acknowledge/tables.ts";
import { anchorTables } from "../anchor/tables.ts";
import { boxTables } from "../boxes/tables.ts";
import { checkpointTables } from "../checkpoints/tables.ts";
import { logTables } from "../log/tables.ts";
import type { ColumnTypes, Table } from "./table.ts";
import { storeTables } from "./tables.ts";

/** In the order in which they are made: a table stands after those that it refers to. A new one says `since`: one more than `schemaVersion` before. */
export const tables: readonly Table[] = [
  ...logTables,
  ...boxTables,
  ...checkpointTables,
  ...acknowledgementTables,
  ...anchorTables,
  ...storeTables,
];

/** What this program reads and writes. A version adds tables to the one before, so that a store is brought up by making those that it lacks. */
export const schemaVersion = Math.max(...tables.map(sinceOf));

/** The tables that a store of version `to` has and one of `from` has not; `from` 0: all. */
export function tablesBetween(from: number, to: number): readonly Table[] {
  return tables.filter((table) => sinceOf(table) > from && sinceOf(table) <= to);
}

function sinceOf({ since = 1 }: Table): number {
  return since;
}

const types: ColumnTypes = { blob: "BLOB", integer: "INTEGER", text: "TEXT" };

/** Every statement that makes these tables in SQLite, in order; sqlite.ts compares them with what a file holds. */
export function sqliteStatements(some: readonly Table[]): readonly string[] {
  return some.flatMap((table) => [
    `CREATE TABLE ${table.name} (${table.columns(types)}) ${table.byKey ? "STRICT, WITHOUT ROWID" : "STRICT"}`,
    ...(table.indexes ?? []).map(
      (columns) => `CREATE INDEX ${table.name}_by_${columns.join("_")} ON ${table.name} (${columns.join(", ")})`,
    ),
    ...triggers(table),
  ]);
}

/** Of a store of this version. */
export const sqliteSchema = sqliteStatements(tables);

function triggers({ name, rows }: Table): readonly string[] {
  const refuse = `SELECT RAISE(ABORT, '${name} is kept as it is')`;
  const unchanged = `CREATE TRIGGER ${name}_unchanged BEFORE UPDATE ON ${name} BEGIN ${refuse}; END`;
  const kept = `CREATE TRIGGER ${name}_kept BEFORE DELETE ON ${name} BEGIN ${refuse}; END`;
  switch (rows) {
    case "kept":
      return [unchanged, kept];
    case "state":
      return [kept];
    case "working":
      return [];
  }
}
