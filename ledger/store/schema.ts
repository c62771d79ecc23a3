/** All tables of the ledger, and the statements that make them in SQLite. What was recorded once stays as it is: triggers refuse. */

import { acknowledgementTables } from "../acknowledge/tables.ts";
import { anchorTables } from "../anchor/tables.ts";
import { boxTables } from "../boxes/tables.ts";
import { checkpointTables } from "../checkpoints/tables.ts";
import { logTables } from "../log/tables.ts";
import type { ColumnTypes, Table } from "./table.ts";

/** In the order in which they are made: a table stands after those that it refers to. */
export const tables: readonly Table[] = [
  ...logTables,
  ...boxTables,
  ...checkpointTables,
  ...acknowledgementTables,
  ...anchorTables,
];

const types: ColumnTypes = { blob: "BLOB", integer: "INTEGER", text: "TEXT" };

/** Every statement that makes the store, in order; sqlite.ts compares them with what a file holds. */
export const sqliteSchema: readonly string[] = tables.flatMap((table) => [
  `CREATE TABLE ${table.name} (${table.columns(types)}) ${table.byKey ? "STRICT, WITHOUT ROWID" : "STRICT"}`,
  ...(table.indexes ?? []).map(
    (columns) => `CREATE INDEX ${table.name}_by_${columns.join("_")} ON ${table.name} (${columns.join(", ")})`,
  ),
  ...triggers(table),
]);

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
