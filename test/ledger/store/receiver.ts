/** A standby that only keeps what it is sent, and says so: enough for a commit to wait for it. */

import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { PostgresServer } from "../../drills/servers/postgres-server.ts";
import type { ServerPrograms } from "../../drills/servers/programs.ts";

export const standbyName = "receiver";

export class Receiver {
  readonly #server: PostgresServer;
  readonly #programs: ServerPrograms;
  #child: ChildProcess | undefined;

  constructor(server: PostgresServer, programs: ServerPrograms) {
    this.#server = server;
    this.#programs = programs;
  }

  /** Nothing where it runs. */
  start(): void {
    if (this.#runs) return;
    const { env, postgresBin, runsAs } = this.#programs;
    const folder = join(this.#server.folder, "received");
    mkdirSync(folder, { recursive: true });
    if (runsAs) chownSync(folder, runsAs.uid, runsAs.gid);
    const to = `host=${this.#server.folder} port=${this.#server.port} user=ledger application_name=${standbyName}`;
    const child = spawn(join(postgresBin, "pg_receivewal"), ["-D", folder, "-d", to, "--synchronous", "-s", "1"], {
      cwd: "/",
      env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", ...env },
      stdio: "ignore",
      ...(runsAs ? { uid: runsAs.uid, gid: runsAs.gid } : {}),
    });
    this.#child = child;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.#runs) return;
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  get #runs(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }
}
