/** All tables of the ledger, and the statements that make them in each engine. What was recorded once stays as it is: triggers refuse. */

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
    ...indexes(table),
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

function indexes({ indexes: lists = [], name }: Table): readonly string[] {
  return lists.map((columns) => `CREATE INDEX ${name}_by_${columns.join("_")} ON ${name} (${columns.join(", ")})`);
}

/** Texts are compared by their bytes, as in SQLite, whatever the database's own order is. */
const postgresTypes: ColumnTypes = { blob: "BYTEA", integer: "BIGINT", text: 'TEXT COLLATE "C"' };

/**
 * Of each process that writes, the number of its last transaction: whether one of which nobody knows was committed is looked up here (postgres-commit.ts).
 * Only a store that is a server's has it.
 */
const commits: Table = {
  name: "store_commits",
  columns: ({ integer, text }) => `writer ${text} PRIMARY KEY, number ${integer} NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now()`,
  rows: "working",
};

/** Every statement that makes in an own schema what a store of version `to` has and one of `from` has not, in order; `from` 0: all. */
export function postgresStatements(from: number, to: number): readonly string[] {
  return [
    ...(from === 0 ? [refuseChange, ...postgresTable(commits)] : []),
    ...tablesBetween(from, to).flatMap(postgresTable),
  ];
}

const refuseChange = `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION '% is kept as it is', TG_TABLE_NAME; END $$`;

/** A seal has two or three KiB: PostgreSQL would move each into a table of its own, and try to make it smaller, in vain. */
function postgresTable(table: Table): readonly string[] {
  return [
    `CREATE TABLE ${table.name} (${table.columns(postgresTypes)}) WITH (toast_tuple_target = 8160)`,
    ...indexes(table),
    ...postgresTriggers(table),
  ];
}

/** Also where a session says that it replicates, which lets usual triggers sleep. */
function postgresTriggers({ name, rows }: Table): readonly string[] {
  const refused = { kept: "UPDATE OR DELETE OR TRUNCATE", state: "DELETE OR TRUNCATE", working: undefined }[rows];
  if (refused === undefined) return [];
  return [
    `CREATE TRIGGER ${name}_kept BEFORE ${refused} ON ${name} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
    `ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ${name}_kept`,
  ];
}
