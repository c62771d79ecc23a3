/** One connection to one server, and how it is made: what the session is told, where its password comes from, and TLS. */

import { readFileSync } from "node:fs";
import pg from "pg";
import { faultWords } from "../../host/fault-words.ts";
import { InTurn } from "../../host/in-turn.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { cellTypes } from "./postgres-cells.ts";
import { isSocketFolder, type PostgresServer, type PostgresSettings, readPasswordFile } from "./postgres-settings.ts";

/** How long a server is waited for until it lets one in, ms. */
const patience = 3000;

/** What a session is told when it begins; none of it ends a commit. */
const session = {
  client_min_messages: "warning",
  // A process that sleeps within a transaction holds all others up: after so long it is its own fault.
  idle_in_transaction_session_timeout: "60000",
  // Compiling a statement costs more than any of ours takes.
  jit: "off",
  lock_timeout: "0",
  statement_timeout: "0",
  synchronous_commit: "on",
  tcp_keepalives_count: "3",
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
} as const;

/** A fault of a statement, of the server or on the way to it: told apart from what a caller's own code throws. */
export class PostgresFault extends Error {
  /** SQLSTATE; none where the connection itself failed */
  readonly state: string | undefined;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.state = cause instanceof pg.DatabaseError ? cause.code : undefined;
  }
}

export class PostgresConnection {
  readonly server: PostgresServer;
  /** on which its server was seen to take writes, and when that was last held against the others (performance.now()); 0: never */
  timeline = 0;
  comparedAt = 0;
  readonly #client: pg.Client;
  readonly #turn = new InTurn();
  /** what the server warned of since it was last asked */
  #warnings: string[] = [];
  #broken = false;

  private constructor(server: PostgresServer, client: pg.Client) {
    this.server = server;
    this.#client = client;
    client.on("error", () => {
      this.#broken = true;
    });
    client.on("end", () => {
      this.#broken = true;
    });
    client.on("notice", ({ code, message }) => {
      this.#warnings.push(`${message} (${code})`);
    });
  }

  static async open(settings: PostgresSettings, server: PostgresServer): Promise<PostgresConnection> {
    const client = new pg.Client({
      application_name: "coldseal-ledger",
      client_encoding: "UTF8",
      connectionTimeoutMillis: patience,
      database: settings.database,
      host: server.host,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      options: options(settings.schema),
      // Always given: the driver would look into the environment and the home folder.
      password: () => passwordOf(settings),
      port: server.port,
      ssl: tlsOf(settings, server),
      types: cellTypes,
      user: settings.user,
    });
    const connection = new PostgresConnection(server, client);
    try {
      await client.connect();
      return connection;
    } catch (fault) {
      connection.close();
      throw fault;
    }
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** One after another, in the order of the calls. Throws PostgresFault. */
  async query<Row extends pg.QueryResultRow>(query: string | pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    try {
      return await this.#turn.run(() => this.#client.query<Row>(query));
    } catch (fault) {
      if (!(fault instanceof pg.DatabaseError)) this.#broken = true;
      throw new PostgresFault(fault);
    }
  }

  /** What was warned of since this was last asked. */
  takeWarnings(): readonly string[] {
    const warnings = this.#warnings;
    this.#warnings = [];
    return warnings;
  }

  close(): void {
    this.#broken = true;
    void this.#client.end().catch(() => undefined);
  }

  /** Ends it at once: whatever was asked of it fails. */
  cut(): void {
    this.#broken = true;
    this.#client.connection.stream.destroy();
  }
}

/** The ledger's own schema alone; temporary tables of that name do not come first. */
function options(schema: string): string {
  const all = { ...session, search_path: `${schema},pg_temp` };
  return Object.entries(all)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}

function passwordOf({ passwordFile }: PostgresSettings): string {
  if (passwordFile !== undefined) return readPasswordFile(passwordFile);
  throw new Refusal("CONFIG", "the ledger's PostgreSQL asks for a password, and the settings name no file of one", {
    expected: "`passwordFile`, a client certificate, or a user that the server knows by its Unix socket",
  });
}

function tlsOf({ tls }: PostgresSettings, server: PostgresServer) {
  if (tls === undefined || isSocketFolder(server)) return false;
  const read = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch (fault) {
      throw new Refusal("CONFIG", `a file for TLS with the ledger's PostgreSQL cannot be read: ${faultWords(fault)}`, {
        about: path,
        cause: fault,
      });
    }
  };
  return {
    ca: read(tls.ca),
    // The name that the certificate must have; the driver gives names only, and no addresses.
    host: server.host,
    minVersion: "TLSv1.2" as const,
    rejectUnauthorized: true,
    ...(tls.certificate === undefined ? {} : { cert: read(tls.certificate) }),
    ...(tls.key === undefined ? {} : { key: read(tls.key) }),
  };
}
