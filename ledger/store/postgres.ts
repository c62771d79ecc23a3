/** The store on PostgreSQL: one leader that takes writes, found anew whenever a connection is, and standbys that confirm what it commits. */

import { randomBytes } from "node:crypto";
import { InTurn } from "../../host/in-turn.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Database, Sql } from "./database.ts";
import { beginMarked, commit, lockMaking, type Marked, settle, wasCommitted } from "./postgres-commit.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { connectToLeader, guarded, isDeposed } from "./postgres-leader.ts";
import { bringUp, checkFree, checkSchema, isThere, makeSchema } from "./postgres-schema.ts";
import type { PostgresSettings } from "./postgres-settings.ts";
import { PostgresSql, storeFault } from "./postgres-sql.ts";
import { schemaVersion } from "./schema.ts";
import { olderStore } from "./sqlite-version.ts";

/** How long a transaction waits for another process, ms. */
const patience = 2000;
const readersKept = 4;
const beginReading = (connection: PostgresConnection) =>
  connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

/** Whether a store could be made there: before anything is made for it elsewhere. Refuses as `createPostgres` does. */
export function checkPlaceFor(settings: PostgresSettings): Promise<void> {
  return asked(settings, (connection) => checkFree(connection, settings.schema));
}

/** Whether a schema of that name is there. Refuses STORE where none of the servers takes writes; CONFIG. */
export function hasSchema(settings: PostgresSettings): Promise<boolean> {
  return asked(settings, (connection) => isThere(connection, settings.schema));
}

/**
 * Makes the store's schema in the database, and fills it by `fill` in the same transaction; it stands there whole or not at all. Refuses STORE where a schema of
 * that name is there already, or none of the servers takes writes; BUSY where another process makes it; CONFIG. Gives what `openPostgres` may be told, so that it need not look as closely.
 */
export function createPostgres(settings: PostgresSettings, fill: (sql: Sql) => Promise<void>): Promise<string> {
  return once(settings, async (connection, { number, writer }) => {
    await connection.query("BEGIN");
    // Another that makes it now may wait for its standby, and nothing of it be seen.
    await lockMaking(connection, settings.schema, patience);
    const digest = await makeSchema(connection, settings.schema);
    await connection.query(`INSERT INTO store_commits (writer, number) VALUES ('${writer}', ${number})`);
    await within(connection, fill);
    return digest;
  });
}

/**
 * Opens the store that these settings name; several processes may, on several machines. Refuses STORE where it is missing, its tables or triggers are not those it was
 * made with, or no server takes writes; STORE-VERSION an older one, which `upgradePostgres` brings up, and a newer one; CONFIG. `known`: what this gave before, or `createPostgres` did, for this store.
 */
export async function openPostgres(
  settings: PostgresSettings,
  known?: string,
): Promise<{ readonly db: Database; readonly schema: string }> {
  const connection = await connectToLeader(settings);
  try {
    await connection.query("BEGIN");
    const { digest, version } = await checkSchema(connection, settings, known);
    if (version < schemaVersion) throw olderStore(version, settings.schema);
    await connection.query("ROLLBACK");
    return { db: new PostgresDatabase(settings, connection), schema: digest };
  } catch (fault) {
    connection.close();
    throw storeFault(fault);
  }
}

/**
 * Brings an older store up to this program's version in one transaction; the version that it had. Nothing that was recorded is touched. Durable on return; killed
 * before that it is as it was. Refuses as `openPostgres` does, but an older store; BUSY where another process writes.
 */
export function upgradePostgres(settings: PostgresSettings): Promise<number> {
  return once(settings, async (connection, marked) => {
    await beginMarked(connection, marked, patience);
    const { version } = await checkSchema(connection, settings);
    if (version < schemaVersion) await bringUp(connection, version);
    return version;
  });
}

/** The one transaction of a process that writes nothing else. `work` begins it, and marks it. */
async function once<T>(
  settings: PostgresSettings,
  work: (connection: PostgresConnection, marked: Marked) => Promise<T>,
): Promise<T> {
  const marked = { writer: randomBytes(16).toString("hex"), number: 1 };
  const { known, result } = await asked(settings, (connection) =>
    guarded(settings, connection, async () => {
      const made = await work(connection, marked);
      return { known: await commit(connection, settings), result: made };
    }),
  );
  if (!known && !(await wasCommitted(settings, marked))) throw notStored();
  return result;
}

class PostgresDatabase implements Database {
  readonly #settings: PostgresSettings;
  readonly #writer = randomBytes(16).toString("hex");
  readonly #turn = new InTurn();
  /** connections on which nothing is done now */
  readonly #free: PostgresConnection[];
  #transactions = 0;
  #closed = false;

  constructor(settings: PostgresSettings, connection: PostgresConnection) {
    this.#settings = settings;
    this.#free = [connection];
  }

  reading<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#connected(beginReading, (connection) => read(connection, work));
  }

  settled<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#connected(beginReading, async (connection) => {
      const result = await read(connection, work);
      await settle(connection, this.#settings);
      return result;
    });
  }

  writing<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#turn.run(() => this.#write(work));
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#free.splice(0)) connection.close();
  }

  async #write<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const marked = { writer: this.#writer, number: ++this.#transactions };
    const begin = (connection: PostgresConnection) => beginMarked(connection, marked, patience);
    const { known, result } = await this.#connected(begin, async (connection) => {
      const written = await within(connection, work);
      return { known: await commit(connection, this.#settings), result: written };
    });
    if (!known && !(await wasCommitted(this.#settings, marked))) throw notStored();
    return result;
  }

  /**
   * A transaction on a free connection, or a new one. A free one may be that of a server that is gone since: where it does not even begin, a new one is taken.
   */
  async #connected<T>(
    begin: (connection: PostgresConnection) => Promise<unknown>,
    work: (connection: PostgresConnection) => Promise<T>,
  ): Promise<T> {
    let connection = await this.#freeOne();
    try {
      if (connection !== undefined)
        await this.#guarded(connection, begin).catch((fault) => onlyBroken(connection, fault));
      if (connection === undefined || connection.broken) {
        connection = await connectToLeader(this.#settings);
        await this.#guarded(connection, begin);
      }
      return await this.#guarded(connection, work);
    } catch (fault) {
      await rollBack(connection);
      throw storeFault(fault);
    } finally {
      this.#giveBack(connection);
    }
  }

  #guarded<T>(connection: PostgresConnection, work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return guarded(this.#settings, connection, () => work(connection));
  }

  async #freeOne(): Promise<PostgresConnection | undefined> {
    if (this.#closed) throw new Refusal("STORE", "the store is closed", { about: this.#settings.schema });
    for (;;) {
      const connection = this.#free.pop();
      if (connection === undefined) return connection;
      if (!connection.broken && !(await isDeposed(this.#settings, connection))) return connection;
      connection.close();
    }
  }

  #giveBack(connection: PostgresConnection | undefined): void {
    if (connection === undefined) return;
    if (this.#closed || connection.broken || this.#free.length > readersKept) connection.close();
    else this.#free.push(connection);
  }
}

async function asked<T>(settings: PostgresSettings, what: (connection: PostgresConnection) => Promise<T>): Promise<T> {
  const connection = await connectToLeader(settings);
  try {
    return await what(connection);
  } catch (fault) {
    throw storeFault(fault);
  } finally {
    connection.close();
  }
}

async function within<T>(connection: PostgresConnection, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = new PostgresSql(connection);
  try {
    return await work(sql);
  } finally {
    sql.end();
  }
}

async function read<T>(connection: PostgresConnection, work: (sql: Sql) => Promise<T>): Promise<T> {
  const result = await within(connection, work);
  await connection.query("COMMIT");
  return result;
}

function onlyBroken(connection: PostgresConnection | undefined, fault: unknown): void {
  if (!connection?.broken) throw fault;
}

async function rollBack(connection: PostgresConnection | undefined): Promise<void> {
  if (connection === undefined || connection.broken) return;
  await connection.query("ROLLBACK").catch(() => connection.close());
}

function notStored(): Refusal {
  return new Refusal("STORE", "a commit failed, and nothing of it is stored: do the same again", {
    expected: "a commit that the leader and its standby confirm",
    got: "none",
  });
}
