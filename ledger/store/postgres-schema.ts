/** The ledger's own schema in a PostgreSQL database: made once, held at each opening against what its statements make, and brought up to later versions. */

import { randomBytes } from "node:crypto";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import type { PostgresSettings } from "./postgres-settings.ts";
import { postgresStatements, schemaVersion } from "./schema.ts";
import { checkMadeSo, newerStore } from "./sqlite-version.ts";

/** Within the caller's transaction. Gives what `checkSchema` gives. Throws PostgresFault; refuses STORE where a schema of that name is there. */
export async function makeSchema(
  connection: PostgresConnection,
  schema: string,
  version: number = schemaVersion,
): Promise<string> {
  await checkFree(connection, schema);
  await connection.query(`CREATE SCHEMA ${schema}; SET LOCAL search_path = ${schema}, pg_temp`);
  await bringUp(connection, 0, version);
  return digestOf(await described(connection, schema));
}

/** Refuses STORE where a schema of that name is there; throws PostgresFault. */
export async function checkFree(connection: PostgresConnection, schema: string): Promise<void> {
  if (!(await isThere(connection, schema))) return;
  throw new Refusal("STORE", "a store is already there: a record is never overwritten", {
    expected: "a schema that is not there yet",
    about: `schema ${schema}`,
  });
}

/** Throws PostgresFault. */
export async function isThere(connection: PostgresConnection, schema: string): Promise<boolean> {
  const there = await connection.query(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`);
  return there.rows.length > 0;
}

/** Within the caller's transaction: makes what a store of version `from` lacks, and notes it. Throws PostgresFault. */
export async function bringUp(connection: PostgresConnection, from: number, to: number = schemaVersion): Promise<void> {
  // One that is made anew was never of an earlier version, and version 1 is not noted.
  const all = Array.from({ length: to - from }, (_, at) => from + at + 1).slice(from === 0 ? -1 : 0);
  const noted = all.filter((version) => version > 1);
  const rows = noted.map(
    (version) => `INSERT INTO schema_versions (version, since) VALUES (${version}, '${utcOf(Date.now())}')`,
  );
  await connection.query([...postgresStatements(from, to), ...rows].join(";\n"));
}

/**
 * Within the caller's transaction, which may be rolled back: holds tables, columns, constraints, indexes, triggers and whether they fire, functions, rules and rights of rows, as
 * the server's catalogue has them, against `known`: the digest that was given when the store was made, or last checked. Where that is another one (the program or the server
 * was renewed, or somebody changed something), the same is made once more under another name and compared, and taken away. Gives the version too. Refuses STORE where there is no
 * store, or another one; STORE-VERSION a newer one; throws PostgresFault.
 */
export async function checkSchema(
  connection: PostgresConnection,
  { database, schema }: PostgresSettings,
  known?: string,
): Promise<{ readonly digest: string; readonly version: number }> {
  const about = `schema ${schema} of database ${database}`;
  const got = await described(connection, schema);
  if (got.length === 0) {
    throw new Refusal("STORE", "no store of a ledger there", {
      expected: "a schema that `coldseal ledger init` made",
      got: "none",
      about,
    });
  }
  const version = await versionOf(connection);
  if (version > schemaVersion) throw newerStore(version, about);
  if (digestOf(got) !== known) await compareWithNew(connection, schema, version, got, about);
  return { digest: digestOf(got), version };
}

/** Version 1 had no table that says so. */
async function versionOf(connection: PostgresConnection): Promise<number> {
  const { rows } = await connection.query("SELECT 1 WHERE to_regclass('schema_versions') IS NOT NULL");
  if (rows.length === 0) return 1;
  const found = await connection.query<{ version: number | null }>(
    "SELECT max(version) AS version FROM schema_versions",
  );
  return found.rows[0]?.version ?? 0;
}

async function compareWithNew(
  connection: PostgresConnection,
  schema: string,
  version: number,
  got: readonly string[],
  about: string,
): Promise<void> {
  const pattern = `coldseal_check_${randomBytes(8).toString("hex")}`;
  await connection.query("SAVEPOINT pattern");
  await makeSchema(connection, pattern, version);
  const made = await described(connection, pattern);
  await connection.query(`ROLLBACK TO SAVEPOINT pattern; SET LOCAL search_path = ${schema}, pg_temp`);
  checkMadeSo(got, made, 160, about);
}

/** Of what the server says, and of the statements that were to make it. */
function digestOf(lines: readonly string[]): string {
  return hex(sha256(utf8(JSON.stringify([postgresStatements(0, schemaVersion), lines.toSorted()]))));
}

/** A line for each thing within the schema, none of which names it. */
async function described(connection: PostgresConnection, schema: string): Promise<readonly string[]> {
  // So that the server writes names without it.
  await connection.query(`SET LOCAL search_path = ${schema}, pg_temp`);
  const { rows } = await connection.query<{ line: string }>(
    catalogue.map((part) => part.replaceAll("$schema", `'${schema}'`)).join("\nUNION ALL\n"),
  );
  return rows.map(({ line }) => line);
}

const within = "JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $schema";

/** https://www.postgresql.org/docs/15/catalogs.html */
const catalogue: readonly string[] = [
  `SELECT concat_ws(' ', 'relation', c.relname, c.relkind, c.relpersistence, c.reloptions::text, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
    c.relreplident) AS line FROM pg_class c ${within}`,
  `SELECT concat_ws(' ', 'column', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation, a.attgenerated,
    a.attidentity, a.attisdropped, pg_get_expr(d.adbin, d.adrelid, true)) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid ${within}
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attnum > 0 AND c.relkind <> 'i'`,
  `SELECT concat_ws(' ', 'constraint', c.relname, o.conname, o.convalidated, o.condeferrable, pg_get_constraintdef(o.oid, true)) FROM pg_constraint o
    JOIN pg_class c ON c.oid = o.conrelid ${within}`,
  `SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid, 0, true), i.indisvalid, i.indisunique, i.indisprimary) FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid ${within} WHERE c.relkind <> 't'`,
  // Those that stand for a constraint have names of their own in each database.
  `SELECT concat_ws(' ', 'trigger', c.relname, t.tgenabled, CASE WHEN t.tgisinternal THEN concat_ws(' ', o.conname, t.tgtype) ELSE pg_get_triggerdef(t.oid, true) END)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid ${within} LEFT JOIN pg_constraint o ON o.oid = t.tgconstraint`,
  `SELECT concat_ws(' ', 'function', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname, p.prosecdef, p.proconfig::text, p.prosrc)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = $schema JOIN pg_language l ON l.oid = p.prolang`,
  `SELECT concat_ws(' ', 'rule', c.relname, r.ev_enabled, pg_get_ruledef(r.oid, true)) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class ${within}`,
  `SELECT concat_ws(' ', 'policy', c.relname, y.polname) FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid ${within}`,
  `SELECT concat_ws(' ', 'heir', c.relname, h.inhparent::regclass) FROM pg_inherits h JOIN pg_class c ON c.oid IN (h.inhrelid, h.inhparent) ${within}`,
];
