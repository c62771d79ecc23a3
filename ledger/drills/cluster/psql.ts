/** Statements of an administrator, by psql. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import type { ServerPrograms } from "../servers/programs.ts";
import { loopback } from "./patroni-settings.ts";

export interface PsqlTarget {
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** a password file as libpq reads it, 0600 */
  readonly passwordFile: string;
}

/** Runs `sql`, each statement by itself, up to the first that fails; what the rows are, a line each, cells with `|` between. */
export async function psql(programs: ServerPrograms, to: PsqlTarget, sql: string): Promise<readonly string[]> {
  const args = ["-X", "-w", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"];
  const at = ["-h", loopback, "-p", String(to.port), "-U", to.user, "-d", to.database];
  const child = spawn(join(programs.postgresBin, "psql"), [...args, ...at], {
    env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C.UTF-8", PGPASSFILE: to.passwordFile, ...programs.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  child.stdin.on("error", () => undefined).end(sql);
  const status = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (status !== 0) throw new Error(`psql ended with ${status}: ${err.trim()}`);
  return out.split("\n").filter((line) => line !== "");
}
