/**
 * When a commit counts. Only a COMMIT that the server confirmed without a word more is one; with a warning (a wait for the standby was given up), an error or a
 * broken connection it is unknown, and is looked for on the leader of that moment.
 */

import { setTimeout } from "node:timers/promises";
import { Refusal } from "../../manifests/refusal.ts";
import { type PostgresConnection, PostgresFault } from "./postgres-connection.ts";
import { connectToLeader, guarded } from "./postgres-leader.ts";
import type { PostgresSettings } from "./postgres-settings.ts";
import { storeFault } from "./postgres-sql.ts";

/** How long a new leader is waited for, where a commit has to be looked for, ms: Patroni has one within 30 s. */
const leaderPatience = 60_000;
/** Rows of processes that wrote last so long ago are no use to anybody. */
const keptFor = "30 days";
/** SQLSTATE in_failed_sql_transaction */
const failedBefore = "25P02";
/** All that was committed before a commit with this in it is durable where that one is. */
const nothing = "SELECT pg_logical_emit_message(true, 'coldseal', '')";
const lockAll = "LOCK TABLE store_commits IN EXCLUSIVE MODE; SET LOCAL lock_timeout = 0";

/** One transaction of one process: its row in store_commits says that it was committed. */
export interface Marked {
  /** hex */
  readonly writer: string;
  readonly number: number;
}

/**
 * Begins a transaction that no other process writes beside, and marks it: LOCK waits for whoever writes, in any process and on any machine; readers go on. `patience`, ms: how long another
 * one is waited for. Throws PostgresFault.
 */
export async function beginMarked(connection: PostgresConnection, marked: Marked, patience: number): Promise<void> {
  await connection.query(`BEGIN; ${lockTimeout(patience)}; ${lockAll}`);
  await mark(connection, marked);
}

/** Within the caller's transaction: whoever makes this schema, or asks whether it was made, waits for its end, `patience` ms. Throws PostgresFault. */
export async function lockMaking(connection: PostgresConnection, schema: string, patience: number): Promise<void> {
  const held = `SELECT pg_advisory_xact_lock(hashtextextended('coldseal ledger ${schema}', 0))`;
  await connection.query(`${lockTimeout(patience)}; ${held}`);
}

/**
 * Whether the commit counts; false: nobody knows. Where commits wait for a standby as the settings say, it does where nobody changed whether they wait, from before it until after it: once no
 * standby is to be waited for, the server confirms what waits without a word. Refuses CONFIG where they do not wait any more, throws PostgresFault where the server says that it cannot be
 * done: nothing was committed then.
 */
export async function commit(connection: PostgresConnection, { replicated }: PostgresSettings): Promise<boolean> {
  try {
    const before = replicated ? await waitsSince(connection) : undefined;
    if (replicated && before === undefined) throw waitsForNobody();
    connection.takeWarnings();
    const done = (await connection.query("COMMIT")).command;
    // What it answers where a statement failed before, and none of ours was told.
    if (done === "ROLLBACK") throw rolledBack();
    if (connection.takeWarnings().length > 0) return false;
    return !replicated || (await waitsSince(connection)) === before;
  } catch (fault) {
    if (fault instanceof PostgresFault && fault.state !== failedBefore) return false;
    throw fault;
  }
}

/**
 * Whether a transaction whose commit is unknown is there. On the present leader the lock of all writers is waited for, so that the transaction's own process there is gone; then
 * its mark is there or never will be. Either counts only after a later commit that is confirmed: a standby may lack what is there, and who was deposed does not have what
 * is elsewhere. Refuses STORE where that cannot be found out: no lock within `patience` ms, or no leader.
 */
export async function wasCommitted(
  settings: PostgresSettings,
  marked: Marked,
  patience: number = leaderPatience,
): Promise<boolean> {
  const end = performance.now() + patience;
  const left = () => Math.max(0, end - performance.now());
  for (;;) {
    let why: unknown;
    try {
      const connection = await connectToLeader(settings, left());
      const found = await guarded(settings, connection, () => lookedFor(settings, connection, marked, left));
      if (found !== undefined) return found;
    } catch (fault) {
      why = fault;
    }
    if (performance.now() >= end) throw unknown(storeFault(why));
    await setTimeout(100);
  }
}

/** A commit of nothing, durable where commits are: all that was committed before it is so too. Refuses STORE, CONFIG; throws PostgresFault. */
export async function settle(connection: PostgresConnection, settings: PostgresSettings): Promise<void> {
  await connection.query(`BEGIN; ${nothing}`);
  if (!(await commit(connection, settings))) throw unknown(undefined);
}

/** Undefined: what looked is itself unknown. */
async function lookedFor(
  settings: PostgresSettings,
  connection: PostgresConnection,
  marked: Marked,
  left: () => number,
): Promise<boolean | undefined> {
  try {
    await connection.query("BEGIN");
    // The schema itself may be what is looked for, and its tables not be seen before its own process is gone.
    await lockMaking(connection, settings.schema, left());
    const found = await isMarked(connection, marked, left());
    // So that this commit has something in it, wherever it looked.
    if (found) await mark(connection, marked);
    else await connection.query(nothing);
    return (await commit(connection, settings)) ? found : undefined;
  } finally {
    connection.close();
  }
}

async function isMarked(
  connection: PostgresConnection,
  { writer, number }: Marked,
  patience: number,
): Promise<boolean> {
  const made = await connection.query("SELECT 1 WHERE to_regclass('store_commits') IS NOT NULL");
  if (made.rows.length === 0) return false;
  await connection.query(`${lockTimeout(patience)}; ${lockAll}`);
  const { rows } = await connection.query(
    `SELECT 1 FROM store_commits WHERE writer = '${writer}' AND number >= ${number}`,
  );
  return rows.length > 0;
}

/**
 * When the session last read the server's settings, where commits wait for a standby by them; undefined: they do not. A session is told of new ones before what waits is let go, and
 * reads them before it answers this.
 */
async function waitsSince(connection: PostgresConnection): Promise<string | undefined> {
  const { rows } = await connection.query<{ since: string }>(
    "SELECT pg_conf_load_time()::text AS since WHERE current_setting('synchronous_standby_names') <> ''",
  );
  return rows[0]?.since;
}

/** Never 0, which would be no limit. */
function lockTimeout(patience: number): string {
  return `SET LOCAL lock_timeout = ${Math.max(1, Math.ceil(patience))}`;
}

async function mark(connection: PostgresConnection, { writer, number }: Marked): Promise<void> {
  const forgotten = number === 1 ? `; DELETE FROM store_commits WHERE at < now() - interval '${keptFor}'` : "";
  await connection.query(
    `INSERT INTO store_commits (writer, number) VALUES ('${writer}', ${number})
      ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at${forgotten}`,
  );
}

function waitsForNobody(): Refusal {
  return new Refusal("CONFIG", "the ledger's PostgreSQL does not wait for a standby any more", {
    expected: "synchronous_standby_names, not empty",
    got: "none",
  });
}

function rolledBack(): Refusal {
  return new Refusal("STORE", "the server rolled the transaction back: nothing of it is stored");
}

function unknown(cause: unknown): Refusal {
  return new Refusal("STORE", "nobody knows whether what was written is stored: a commit was not confirmed", {
    expected: "a leader whose standby confirms; then do the same again, which changes nothing that is there",
    ...(cause === undefined ? {} : { cause }),
  });
}
