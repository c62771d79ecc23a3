/** The ledger's own schema in a PostgreSQL database: made once, and held at each opening against what its statements make. */

import { randomBytes } from "node:crypto";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import type { PostgresSettings } from "./postgres-settings.ts";
import { postgresSchema } from "./schema.ts";

/** Within the caller's transaction. Gives what `checkSchema` gives. Throws PostgresFault; refuses STORE where a schema of that name is there. */
export async function makeSchema(connection: PostgresConnection, schema: string): Promise<string> {
  const there = await connection.query(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`);
  if (there.rows.length > 0) {
    throw new Refusal("STORE", "a store is already there: a record is never overwritten", {
      expected: "a schema that is not there yet",
      about: `schema ${schema}`,
    });
  }
  const own = [`CREATE SCHEMA ${schema}`, `SET LOCAL search_path = ${schema}, pg_temp`];
  await connection.query([...own, ...postgresSchema].join(";\n"));
  return digestOf(await described(connection, schema));
}

/**
 * Holds tables, columns, constraints, indexes, triggers and whether they fire, functions, rules and rights of rows, as the server's catalogue has them, against
 * `known`: the digest that was given when the store was made, or last checked. Where that is another one (the program or the server was renewed, or somebody changed
 * something), the same is made once more under another name, in a transaction that is rolled back, and compared. Refuses STORE where there is no store, or another one;
 * throws PostgresFault.
 */
export async function checkSchema(
  connection: PostgresConnection,
  { database, schema }: PostgresSettings,
  known: string | undefined,
): Promise<string> {
  const about = `schema ${schema} of database ${database}`;
  await connection.query("BEGIN");
  try {
    const got = await described(connection, schema);
    if (got.length === 0) {
      throw new Refusal("STORE", "no store of a ledger there", {
        expected: "a schema that `coldseal ledger init` made",
        got: "none",
        about,
      });
    }
    if (digestOf(got) !== known) await compareWithNew(connection, got, about);
    return digestOf(got);
  } finally {
    await connection.query(`ROLLBACK; SET search_path = ${schema}, pg_temp`);
  }
}

async function compareWithNew(connection: PostgresConnection, got: readonly string[], about: string): Promise<void> {
  const pattern = `coldseal_check_${randomBytes(8).toString("hex")}`;
  await makeSchema(connection, pattern);
  const missing = new Set(await described(connection, pattern));
  const other = got.find((line) => !missing.delete(line));
  const [lacks] = missing;
  if (other === undefined && lacks === undefined) return;
  throw new Refusal("STORE", "the store's tables or triggers are not those it was made with", {
    expected: lacks?.slice(0, 160) ?? "nothing more",
    got: other?.slice(0, 160) ?? "none",
    about,
  });
}

/** Of what the server says, and of the statements that were to make it. */
function digestOf(lines: readonly string[]): string {
  return hex(sha256(utf8(JSON.stringify([postgresSchema, lines.toSorted()]))));
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
