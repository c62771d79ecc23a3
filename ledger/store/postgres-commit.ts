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

/** One transaction of one process: its row in store_commits says that it was committed. */
export interface Marked {
  /** hex */
  readonly writer: string;
  readonly number: number;
}

/**
 * Begins a transaction that no other process writes beside, and marks it. `patience`, ms: how long another one is waited for. Throws PostgresFault.
 */
export async function beginMarked(
  connection: PostgresConnection,
  settings: PostgresSettings,
  { writer, number }: Marked,
  patience: number,
): Promise<void> {
  await beginAlone(connection, settings, patience);
  await mark(connection, { writer, number });
}

/** Whether the commit counts; false: nobody knows. Throws PostgresFault where the server says that nothing was committed. */
export async function commit(connection: PostgresConnection): Promise<boolean> {
  connection.takeWarnings();
  let done: string;
  try {
    done = (await connection.query("COMMIT")).command;
  } catch (fault) {
    if (fault instanceof PostgresFault) return false;
    throw fault;
  }
  // What it answers where a statement failed before, and none of ours was told.
  if (done === "ROLLBACK") throw new PostgresFault(new Error("the server rolled the transaction back"));
  return connection.takeWarnings().length === 0;
}

/**
 * Whether a transaction whose commit is unknown is there. On the present leader the lock of all writers is waited for, so that the transaction's own process there is gone; then
 * its mark is there or never will be. What is there counts only after a later commit that is confirmed, since a standby may lack it. Refuses STORE where that
 * cannot be found out.
 */
export async function wasCommitted(settings: PostgresSettings, marked: Marked): Promise<boolean> {
  const end = performance.now() + leaderPatience;
  for (;;) {
    let why: unknown;
    try {
      const connection = await connectToLeader(settings, Math.max(0, end - performance.now()));
      const found = await guarded(settings, connection, () => lookedFor(settings, connection, marked));
      if (found !== undefined) return found;
    } catch (fault) {
      why = fault;
    }
    if (performance.now() >= end) throw unknown(storeFault(why));
    await setTimeout(100);
  }
}

/** A commit of nothing, durable where commits are: all that was committed before it is so too. Refuses STORE; throws PostgresFault. */
export async function settle(connection: PostgresConnection): Promise<void> {
  await connection.query("BEGIN; SELECT pg_logical_emit_message(true, 'coldseal', '')");
  if (!(await commit(connection))) throw unknown(undefined);
}

/** Undefined: what looked is itself unknown. */
async function lookedFor(
  settings: PostgresSettings,
  connection: PostgresConnection,
  { writer, number }: Marked,
): Promise<boolean | undefined> {
  try {
    const made = await connection.query("SELECT 1 WHERE to_regclass('store_commits') IS NOT NULL");
    if (made.rows.length === 0) return false;
    return await lookedUnderLock(settings, connection, { writer, number });
  } finally {
    connection.close();
  }
}

async function lookedUnderLock(
  settings: PostgresSettings,
  connection: PostgresConnection,
  { writer, number }: Marked,
): Promise<boolean | undefined> {
  await beginAlone(connection, settings, leaderPatience);
  const { rows } = await connection.query<{ number: number }>(
    `SELECT number FROM store_commits WHERE writer = '${writer}' AND number >= ${number}`,
  );
  if (rows.length === 0) return false;
  await mark(connection, { writer, number });
  return (await commit(connection)) ? true : undefined;
}

/** LOCK waits for whoever writes, in any process and on any machine; readers go on. Whether a standby is waited for may be set anew at any time. */
async function beginAlone(
  connection: PostgresConnection,
  { replicated }: PostgresSettings,
  patience: number,
): Promise<void> {
  await connection.query(
    `BEGIN; SET LOCAL lock_timeout = ${patience}; LOCK TABLE store_commits IN EXCLUSIVE MODE; SET LOCAL lock_timeout = 0`,
  );
  if (!replicated) return;
  const { rows } = await connection.query("SELECT 1 WHERE current_setting('synchronous_standby_names') <> ''");
  if (rows.length > 0) return;
  throw new Refusal("CONFIG", "the ledger's PostgreSQL does not wait for a standby any more", {
    expected: "synchronous_standby_names, not empty",
    got: "none",
  });
}

async function mark(connection: PostgresConnection, { writer, number }: Marked): Promise<void> {
  const forgotten = number === 1 ? `; DELETE FROM store_commits WHERE at < now() - interval '${keptFor}'` : "";
  await connection.query(
    `INSERT INTO store_commits (writer, number) VALUES ('${writer}', ${number})
      ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at${forgotten}`,
  );
}

function unknown(cause: unknown): Refusal {
  return new Refusal("STORE", "nobody knows whether what was written is stored: a commit was not confirmed", {
    expected: "a leader whose standby confirms; then do the same again, which changes nothing that is there",
    ...(cause === undefined ? {} : { cause }),
  });
}
