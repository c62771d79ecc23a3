/** Which of the servers takes writes now, and whether it keeps what it acknowledges. */

import { setTimeout } from "node:timers/promises";
import { faultWords } from "../../host/fault-words.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { PostgresConnection } from "./postgres-connection.ts";
import { nameOf, type PostgresServer, type PostgresSettings } from "./postgres-settings.ts";

/** How long all servers are asked again and again whether one of them takes writes, ms. */
const patience = 10_000;
const pause = 200;
/** What takes longer than this, ms, may be on a server that is no leader any more: as often the others are asked. */
const suspicious = 10_000;

/**
 * Asks the servers one after another until one takes writes, for `wait` ms. Refuses STORE where none does, CONFIG where all turn this user away, or the leader does
 * not keep what it acknowledges.
 */
export async function connectToLeader(settings: PostgresSettings, wait = patience): Promise<PostgresConnection> {
  const end = performance.now() + wait;
  for (;;) {
    const others: NoLeader[] = [];
    for (const server of settings.servers) {
      const got = await leaderAt(settings, server);
      if (got instanceof PostgresConnection) return got;
      others.push(got);
    }
    const got = others.map(({ why }, at) => `${nameOf(settings.servers[at] as PostgresServer)}: ${why}`).join("; ");
    // One that follows late may not know the user or the database yet; where all say so, the same again changes nothing.
    if (others.every(({ turnedAway }) => turnedAway)) {
      const expected = `user ${settings.user} and database ${settings.database}`;
      throw new Refusal("CONFIG", "the ledger's PostgreSQL does not let it in", { expected, got });
    }
    if (performance.now() >= end) {
      const expected = "one leader among the servers of its settings";
      throw new Refusal("STORE", "no server of the ledger's PostgreSQL takes writes now", { expected, got });
    }
    await setTimeout(pause);
  }
}

interface NoLeader {
  /** in words */
  readonly why: string;
  readonly turnedAway: boolean;
}

async function leaderAt(settings: PostgresSettings, server: PostgresServer): Promise<PostgresConnection | NoLeader> {
  let connection: PostgresConnection | undefined;
  try {
    connection = await PostgresConnection.open(settings, server);
    if (await isLeader(connection, settings, nameOf(server))) return connection;
    connection.close();
    return { why: "a standby", turnedAway: false };
  } catch (fault) {
    connection?.close();
    if (fault instanceof Refusal) throw fault;
    const { code, message } = fault as { readonly code?: unknown; readonly message?: unknown };
    // invalid_authorization_specification, invalid_password, invalid_catalog_name
    const turnedAway = typeof code === "string" && /^(?:28|3D)/.test(code);
    return { why: turnedAway ? `${message}` : faultWords(fault), turnedAway };
  }
}

interface Promises {
  readonly standby: number;
  readonly version: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly pages: string;
  readonly role: string;
  readonly commits: string;
  readonly names: string;
}

async function isLeader(connection: PostgresConnection, settings: PostgresSettings, about: string): Promise<boolean> {
  const { rows } = await connection.query<Promises>(
    `SELECT pg_is_in_recovery() AS standby, current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
      current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages, current_setting('session_replication_role') AS role,
      current_setting('synchronous_commit') AS commits, current_setting('synchronous_standby_names') AS names`,
  );
  const got = rows[0] as Promises;
  if (got.standby === 1) return false;
  const wanted: readonly (readonly [what: string, holds: boolean, expected: string, got: string])[] = [
    ["too old", got.version >= 150_000, "PostgreSQL 15 or later", `${got.version}`],
    ["of another encoding", got.encoding === "UTF8", "UTF8", got.encoding],
    ["not told to keep what it acknowledges", got.fsync === "on", "fsync on", got.fsync],
    ["not told to keep whole pages", got.pages === "on", "full_page_writes on", got.pages],
    ["told to let triggers sleep", got.role === "origin", "session_replication_role origin", got.role],
    ["not told to wait with a commit", got.commits === "on", "synchronous_commit on", got.commits],
    [
      "not replicated synchronously, as its settings say",
      !settings.replicated || got.names !== "",
      "synchronous_standby_names, not empty",
      "none",
    ],
  ];
  const missed = wanted.find(([, holds]) => !holds);
  if (missed === undefined) return true;
  throw new Refusal("CONFIG", `the ledger's PostgreSQL is ${missed[0]}`, {
    expected: missed[2],
    got: missed[3],
    about,
  });
}

/**
 * Does the work on a connection. A server that hangs tells nothing, and a commit is never given up for the time it takes; but once another server takes writes, this one is no
 * leader any more, and the connection is cut: what was asked of it fails.
 */
export async function guarded<T>(
  settings: PostgresSettings,
  connection: PostgresConnection,
  work: () => Promise<T>,
): Promise<T> {
  const others = settings.servers.filter((server) => nameOf(server) !== nameOf(connection.server));
  if (others.length === 0) return work();
  const ended = new AbortController();
  void cutWhenReplaced({ ...settings, servers: others }, connection, ended.signal);
  try {
    return await work();
  } finally {
    ended.abort();
  }
}

async function cutWhenReplaced(others: PostgresSettings, connection: PostgresConnection, ended: AbortSignal) {
  for (;;) {
    await setTimeout(suspicious, undefined, { signal: ended, ref: false }).catch(() => undefined);
    if (ended.aborted) return;
    const leader = await connectToLeader(others, 0).catch(() => undefined);
    leader?.close();
    if (leader !== undefined && !ended.aborted) return connection.cut();
  }
}
