/** A store on PostgreSQL as it is at one moment, in a dump of pg_dump's; and one made anew out of such a dump. */

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { faultWords } from "../../host/fault-words.ts";
import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { Sql } from "./database.ts";
import { settle } from "./postgres-commit.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { connectToLeader, guarded } from "./postgres-leader.ts";
import { checkFree, checkSchema } from "./postgres-schema.ts";
import type { PostgresSettings } from "./postgres-settings.ts";
import { PostgresSql, storeFault } from "./postgres-sql.ts";
import { runTool } from "./postgres-tools.ts";
import type { StoreState } from "./sqlite-copy.ts";

/** The whole schema and nothing else of the database, owned by whoever loads it. */
const dumped = [
  "--format=custom",
  "--compress=1",
  "--encoding=UTF8",
  "--no-owner",
  "--no-privileges",
  "--strict-names",
];
const loaded = ["--format=custom", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"];
/** How long a lock on a table is waited for, which nothing of the ledger's own takes, ms. */
const lockPatience = 30_000;

export interface Dumped {
  readonly state: StoreState;
  /** SHA-256 of what was written, in hex */
  readonly digest: string;
}

/**
 * Dumps what the leader holds at one moment into the new file `to` (0600), not synced; others read and write meanwhile. What is in it is as durable as a commit that returned. `own`: as of
 * `runTool`. Refuses STORE, STORE-VERSION a newer store than this program knows, CONFIG.
 */
export function dumpPostgres(settings: PostgresSettings, to: string, own: string): Promise<Dumped> {
  return onLeader(settings, async (connection) => {
    await connection.query("BEGIN");
    const described = await checkSchema(connection, settings);
    await connection.query("ROLLBACK");
    // This transaction sleeps for as long as the dump takes, and keeps its moment.
    await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await connection.query("SET LOCAL idle_in_transaction_session_timeout = 0");
    const { version } = await checkSchema(connection, settings, described.digest);
    const sql = new PostgresSql(connection);
    const state = { ...(await stateIn(sql)), schema: version };
    const moment = await sql.get<{ id: string }>("SELECT pg_export_snapshot() AS id");
    const digest = await writeDump(settings, connection, moment?.id ?? "", { to, own });
    await connection.query("COMMIT");
    await settle(connection, settings);
    return { digest, state };
  });
}

/**
 * Makes the schema of the settings out of such a dump, in one transaction; where another server leads by its end, nobody knows. `own`: as of `runTool`. Refuses STORE where the schema is there already, or the
 * dump cannot be loaded: then it is not there; CONFIG.
 */
export function loadDump(settings: PostgresSettings, dump: AsyncIterable<Uint8Array>, own: string): Promise<void> {
  return onLeader(settings, async (connection) => {
    const { schema } = settings;
    await checkFree(connection, schema);
    const { server } = connection;
    await runTool({ program: "pg_restore", args: loaded, settings, server, own, input: dump });
    // What a COMMIT with a warning left waiting for a standby is there too, once a later one is.
    await settle(connection, settings);
  });
}

/** What a store says of itself, but the version of its tables. Refuses STORE. */
export async function stateIn(sql: Sql): Promise<Omit<StoreState, "schema">> {
  const head = await sql.get<TreeHead & { origin: string }>("SELECT origin, size, root FROM tree_head WHERE one = 1");
  if (!head) throw new Refusal("STORE", "the store names no log");
  const newest = await sql.get<{ size: number }>("SELECT coalesce(max(size), 0) AS size FROM checkpoints");
  return { ...head, signed: newest?.size ?? 0 };
}

async function writeDump(
  settings: PostgresSettings,
  { server }: PostgresConnection,
  moment: string,
  { own, to }: { readonly to: string; readonly own: string },
): Promise<string> {
  const args = [
    ...dumped,
    `--schema=${settings.schema}`,
    `--snapshot=${moment}`,
    `--lock-wait-timeout=${lockPatience}`,
  ];
  const file = await open(to, "wx", 0o600);
  try {
    const written = createHash("sha256");
    await runTool({
      program: "pg_dump",
      args,
      settings,
      server,
      own,
      take: async (piece) => {
        written.update(piece);
        await file.writeFile(piece);
      },
    });
    return written.digest("hex");
  } catch (fault) {
    throw asRefusal(fault, "STORE", `the dump cannot be written: ${faultWords(fault)}`);
  } finally {
    await file.close();
  }
}

async function onLeader<T>(
  settings: PostgresSettings,
  work: (connection: PostgresConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectToLeader(settings);
  try {
    return await guarded(settings, connection, () => work(connection));
  } catch (fault) {
    throw storeFault(fault);
  } finally {
    connection.close();
  }
}
