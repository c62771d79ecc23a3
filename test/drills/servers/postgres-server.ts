/** One PostgreSQL server of one's own, in a folder that is removed with it: for what needs the engine and no second node. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { until } from "../../faults/waiting.ts";
import type { ServerPrograms } from "./programs.ts";

const run = promisify(execFile);
/** How long it may take to come up, ms. */
const patience = 60_000;

const user = "ledger";
const database = "ledger";

export interface ServerWords {
  /** settings of postgresql.conf */
  readonly settings?: Readonly<Record<string, string>>;
  /** lines of pg_hba.conf; the one user that there is, over the socket, unless said */
  readonly access?: readonly string[];
}

export class PostgresServer {
  /** holds its Unix socket; nobody else may enter it */
  readonly folder: string;
  readonly port: number;
  readonly #programs: ServerPrograms;
  #process: ChildProcess | undefined;
  #said = "";

  private constructor(folder: string, port: number, programs: ServerPrograms) {
    this.folder = folder;
    this.port = port;
    this.#programs = programs;
  }

  /** Makes it anew, and waits until it lets one in. */
  static async start(programs: ServerPrograms, words: ServerWords = {}): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), "coldseal-pg-"));
    const server = new PostgresServer(folder, Number(words.settings?.port ?? 5432), programs);
    try {
      await server.#make(words);
      await server.begin();
      await server.psql(`CREATE DATABASE ${database}`, "postgres");
      return server;
    } catch (fault) {
      await server.end();
      throw fault;
    }
  }

  /** Where a ledger's store may be on it. */
  get settings(): PostgresSettings {
    return {
      database,
      replicated: false,
      schema: "ledger",
      servers: [{ host: this.folder, port: this.port }],
      type: "ledger-postgres",
      user,
      version: 1,
    };
  }

  /** Starts it where it was stopped or killed, and waits until it lets one in. */
  async begin(): Promise<void> {
    const child = spawn(join(this.#programs.postgresBin, "postgres"), ["-D", join(this.folder, "data")], {
      ...this.#as(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-20_000);
    });
    const end = performance.now() + patience;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || performance.now() > end) {
        throw new Error(`PostgreSQL did not come up: ${this.#said}`);
      }
      await setTimeout(50);
    }
  }

  /** As its administrator; what the rows are, a line each. */
  async psql(sql: string, on = database): Promise<string> {
    const { stdout } = await run(
      join(this.#programs.postgresBin, "psql"),
      [...this.psqlWords(on), "-c", sql],
      this.#as(),
    );
    return stdout.trim();
  }

  /** Sets it anew while it runs, and waits until whoever connects has it so. */
  async set(name: string, value: string): Promise<void> {
    await this.psql(`ALTER SYSTEM SET ${name} = '${value}'`);
    await this.psql("SELECT pg_reload_conf()");
    await until(`${name} is ${value}`, async () => (await this.psql(`SHOW ${name}`)) === value);
  }

  /** Arguments that bring psql to it. */
  psqlWords(on = database): readonly string[] {
    return [
      "-X",
      "-q",
      "-A",
      "-t",
      "-v",
      "ON_ERROR_STOP=1",
      "-h",
      this.folder,
      "-p",
      `${this.port}`,
      "-U",
      user,
      "-d",
      on,
    ];
  }

  /** SIGINT lets it end in order, SIGQUIT at once with all its children, SIGKILL alone; its own children are gone on return, or go by themselves. */
  async stop(signal: "SIGINT" | "SIGQUIT" | "SIGKILL" = "SIGINT"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill(signal);
    await gone;
  }

  /** Ends it, and nothing of it is left. */
  async end(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #make({ access, settings = {} }: ServerWords): Promise<void> {
    const { postgresBin, runsAs } = this.#programs;
    chmodSync(this.folder, 0o700);
    if (runsAs) chownSync(this.folder, runsAs.uid, runsAs.gid);
    const all = {
      autovacuum: "on",
      // where there is no server that is seen from outside, none is asked for
      listen_addresses: "",
      log_min_messages: "warning",
      unix_socket_directories: this.folder,
      ...settings,
    };
    const words = ["-D", join(this.folder, "data"), "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
    await run(join(postgresBin, "initdb"), words, this.#as());
    const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
    appendFileSync(join(this.folder, "data/postgresql.conf"), lines.join(""));
    if (access) writeFileSync(join(this.folder, "data/pg_hba.conf"), `${access.join("\n")}\n`);
  }

  async #answers(): Promise<boolean> {
    return this.psql("SELECT 1", "postgres").then(
      () => true,
      () => false,
    );
  }

  #as() {
    const { env, runsAs } = this.#programs;
    return {
      cwd: "/",
      env: { LC_ALL: "C", PATH: process.env.PATH ?? "/usr/bin:/bin", ...env },
      ...(runsAs ? { uid: runsAs.uid, gid: runsAs.gid } : {}),
    };
  }
}
