/** Which of the servers leads now, and whether it keeps what it acknowledges. */

import { setTimeout } from "node:timers/promises";
import { faultWords } from "../../host/fault-words.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { PostgresConnection } from "./postgres-connection.ts";
import { nameOf, type PostgresServer, type PostgresSettings } from "./postgres-settings.ts";

/** How long all servers are asked again and again whether one of them leads, ms. */
const patience = 10_000;
const pause = 200;
/** How long one that let us in is waited for until it says what it is, ms. */
const answerPatience = 3000;
/** What takes longer than this, ms, may be on a server that is no leader any more: as often the others are asked. */
const suspicious = 10_000;

/**
 * Asks all servers at once, until one leads, for `wait` ms. One that is deposed and was never told (its Patroni hangs) takes writes too: of those that do, the one on the highest
 * timeline leads, since each promotion begins a higher one. Refuses STORE where none does, CONFIG where all turn this user away, or the leader does not keep what it acknowledges.
 */
export async function connectToLeader(settings: PostgresSettings, wait = patience): Promise<PostgresConnection> {
  const end = performance.now() + wait;
  for (;;) {
    const answers = await askAll(settings, settings.servers);
    const leader = highest(answers);
    for (const { connection } of answers) if (connection !== leader?.connection) connection?.close();
    if (leader?.connection !== undefined) return leader.connection;
    // One that follows late may not know the user or the database yet; where all say so, the same again changes nothing.
    if (answers.every(({ final }) => final) || performance.now() >= end) throw noLeader(settings, answers, leader);
    await setTimeout(pause);
  }
}

/** What one server said. */
interface Answer {
  /** where it takes writes and keeps what it acknowledges */
  readonly connection?: PostgresConnection;
  /** on which it takes writes; 0: it does not */
  readonly timeline: number;
  /** why it is none to write on, in words */
  readonly why: string;
  readonly refusal?: Refusal;
  /** asked again it would say the same */
  readonly final: boolean;
}

/** In the servers' order; never throws. */
function askAll(settings: PostgresSettings, servers: readonly PostgresServer[]): Promise<readonly Answer[]> {
  return Promise.all(servers.map((server) => ask(settings, server)));
}

/** Of those that take writes. One that does not keep what it acknowledges leads nevertheless: no other is taken in its place, but one of the same timeline. */
function highest(answers: readonly Answer[]): Answer | undefined {
  const top = Math.max(...answers.map(({ timeline }) => timeline));
  const leaders = top === 0 ? [] : answers.filter(({ timeline }) => timeline === top);
  return leaders.find(({ connection }) => connection !== undefined) ?? leaders[0];
}

function noLeader(settings: PostgresSettings, answers: readonly Answer[], leader: Answer | undefined): Refusal {
  const refusal = leader?.refusal ?? answers.find((answer) => answer.refusal)?.refusal;
  if (refusal !== undefined) return refusal;
  const got = answers.map(({ why }, at) => `${nameOf(settings.servers[at] as PostgresServer)}: ${why}`).join("; ");
  if (answers.every(({ final }) => final)) {
    const expected = `user ${settings.user} and database ${settings.database}`;
    return new Refusal("CONFIG", "the ledger's PostgreSQL does not let it in", { expected, got });
  }
  const expected = "one leader among the servers of its settings";
  return new Refusal("STORE", "no server of the ledger's PostgreSQL takes writes now", { expected, got });
}

async function ask(settings: PostgresSettings, server: PostgresServer): Promise<Answer> {
  let connection: PostgresConnection | undefined;
  try {
    connection = await PostgresConnection.open(settings, server);
    const promises = await promisesOf(connection);
    const timeline = promises.standby === 1 ? 0 : timelineOf(promises);
    const refusal = timeline === 0 ? undefined : missed(promises, settings, nameOf(server));
    if (timeline > 0 && refusal === undefined) {
      connection.timeline = timeline;
      connection.comparedAt = performance.now();
      return { connection, timeline, why: "it leads", final: false };
    }
    connection.close();
    if (refusal === undefined) return { timeline, why: "a standby", final: false };
    return { timeline, refusal, why: refusal.message, final: true };
  } catch (fault) {
    connection?.close();
    if (fault instanceof Refusal) return { timeline: 0, refusal: fault, why: fault.message, final: true };
    const { code, message } = fault as { readonly code?: unknown; readonly message?: unknown };
    // invalid_authorization_specification, invalid_password, invalid_catalog_name
    const turnedAway = typeof code === "string" && /^(?:28|3D)/.test(code);
    return { timeline: 0, why: turnedAway ? `${message}` : faultWords(fault), final: turnedAway };
  }
}

interface Promises {
  readonly standby: number;
  /** the file that is written now: its first eight digits are the timeline */
  readonly wal: string | null;
  readonly version: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly pages: string;
  readonly role: string;
  readonly commits: string;
  readonly names: string;
}

/** A server that hangs after it let one in is given up. Throws PostgresFault. */
async function promisesOf(connection: PostgresConnection): Promise<Promises> {
  const answered = new AbortController();
  void setTimeout(answerPatience, undefined, { signal: answered.signal, ref: false }).then(
    () => connection.cut(),
    () => undefined,
  );
  try {
    const { rows } = await connection.query<Promises>(
      `SELECT pg_is_in_recovery() AS standby, CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_walfile_name(pg_current_wal_lsn()) END AS wal,
        current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
        current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages, current_setting('session_replication_role') AS role,
        current_setting('synchronous_commit') AS commits, current_setting('synchronous_standby_names') AS names`,
    );
    return rows[0] as Promises;
  } finally {
    answered.abort();
  }
}

function timelineOf({ wal }: Promises): number {
  return wal === null ? 0 : Number.parseInt(wal.slice(0, 8), 16);
}

/** What it does not promise of all that a record needs. */
function missed(got: Promises, settings: PostgresSettings, about: string): Refusal | undefined {
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
  const lacks = wanted.find(([, holds]) => !holds);
  if (lacks === undefined) return undefined;
  return new Refusal("CONFIG", `the ledger's PostgreSQL is ${lacks[0]}`, { expected: lacks[2], got: lacks[3], about });
}

/**
 * Does the work on a connection. A server that hangs tells nothing, and a commit is never given up for the time it takes; but once another server takes writes on a higher timeline,
 * this one is no leader any more, and the connection is cut: what was asked of it fails.
 */
export async function guarded<T>(
  settings: PostgresSettings,
  connection: PostgresConnection,
  work: () => Promise<T>,
): Promise<T> {
  if (settings.servers.length === 1) return work();
  const ended = new AbortController();
  void cutWhenReplaced(settings, connection, ended.signal);
  try {
    return await work();
  } finally {
    ended.abort();
  }
}

/** Whether a connection that was kept is to one that was deposed since; what was compared within the last ten seconds is not asked again. */
export async function isDeposed(settings: PostgresSettings, connection: PostgresConnection): Promise<boolean> {
  if (performance.now() - connection.comparedAt < suspicious) return false;
  return isOutdone(settings, connection);
}

async function cutWhenReplaced(settings: PostgresSettings, connection: PostgresConnection, ended: AbortSignal) {
  for (;;) {
    await setTimeout(suspicious, undefined, { signal: ended, ref: false }).catch(() => undefined);
    if (ended.aborted) return;
    if (await isOutdone(settings, connection)) return connection.cut();
  }
}

/** By another that takes writes on a higher timeline. */
async function isOutdone(settings: PostgresSettings, connection: PostgresConnection): Promise<boolean> {
  const others = settings.servers.filter((server) => nameOf(server) !== nameOf(connection.server));
  const answers = await askAll(settings, others);
  for (const { connection: other } of answers) other?.close();
  connection.comparedAt = performance.now();
  return answers.some(({ timeline }) => timeline > connection.timeline);
}
