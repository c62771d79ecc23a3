/** Changes a ledger's store as somebody does who has the file, or the server: past the triggers, and leaving no trace in the schema. */

import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { administer, schemaOf } from "./store/engine.ts";

type TamperCell = string | number | Uint8Array;

export function tamper(ledger: { readonly folder: string }, statement: string, ...cells: TamperCell[]): void {
  const schema = schemaOf(ledger.folder);
  if (schema === undefined) tamperFile(join(ledger.folder, "store.sqlite"), statement, cells);
  else administer(onServer(schema, withCells(inPostgres(statement), cells)));
}

function tamperFile(file: string, statement: string, cells: TamperCell[]): void {
  const db = new Sqlite(file);
  try {
    db.pragma("foreign_keys = OFF");
    const triggers = db
      .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
      .all();
    db.transaction(() => {
      for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
      const { changes } = db.prepare(statement).run(...cells);
      if (changes === 0) throw new Error(`nothing was changed by: ${statement}`);
      for (const { sql } of triggers) db.exec(sql);
    })();
  } finally {
    db.close();
  }
}

/** The triggers of foreign keys sleep where a session says that it replicates; ours, which do not, are switched off and on. */
function onServer(schema: string, statement: string): string {
  const each = (how: string) => `FOR kept IN SELECT c.oid::regclass AS of, t.tgname AS name FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = '${schema}'::regnamespace AND NOT t.tgisinternal
    LOOP EXECUTE format('ALTER TABLE %s ${how} TRIGGER %I', kept.of, kept.name); END LOOP;`;
  return `BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL search_path = ${schema}, words, pg_temp;
    DO $tamper$ DECLARE kept record; tampered_rows bigint; BEGIN ${each("DISABLE")}
      ${statement}; GET DIAGNOSTICS tampered_rows = ROW_COUNT; ${each("ENABLE ALWAYS")}
      IF tampered_rows = 0 THEN RAISE EXCEPTION 'nothing was changed'; END IF; END $tamper$; COMMIT;`;
}

/** What SQLite says otherwise; zeroblob is a function that the servers' start made (`start-postgres.ts`). */
function inPostgres(statement: string): string {
  return statement
    .replace(
      /CAST\(replace\(CAST\((\w+) AS TEXT\), (.*?)\) AS BLOB\)/g,
      "convert_to(replace(convert_from($1, 'UTF8'), $2), 'UTF8')",
    )
    .replace(/\bx'([0-9a-fA-F]*)'/g, "'\\x$1'::bytea");
}

function withCells(statement: string, cells: readonly TamperCell[]): string {
  let at = 0;
  return statement.replace(/'(?:[^']|'')*'|\?/g, (found) =>
    found === "?" ? literal(cells[at++] as TamperCell) : found,
  );
}

function literal(cell: TamperCell): string {
  if (typeof cell === "number") return `${cell}`;
  if (typeof cell === "string") return `'${cell.replaceAll("'", "''")}'`;
  return `'\\x${Buffer.from(cell).toString("hex")}'::bytea`;
}
