/** Statements of an administrator, by psql. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import type { ServerPrograms } from "../servers/programs.ts";
import { loopback } from "./patroni-settings.ts";

export interface PsqlTarget {
  /** of the nodes that may be meant: the first that takes writes, or where there is one, that */
  readonly ports: readonly number[];
  readonly user: string;
  readonly database: string;
  /** a password file as libpq reads it, 0600 */
  readonly passwordFile: string;
}

export interface PsqlCommand {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** A psql that takes statements on standard input, ends at the first that fails, and prints rows alone, a line each, cells with `|` between. */
export function psqlCommand(
  programs: ServerPrograms,
  { database, passwordFile, ports, user }: PsqlTarget,
): PsqlCommand {
  const where = [
    `host=${ports.map(() => loopback).join(",")}`,
    `port=${ports.join(",")}`,
    `target_session_attrs=${ports.length > 1 ? "read-write" : "any"}`,
    `user=${user}`,
    `dbname=${database}`,
  ];
  const args = ["-X", "-w", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", where.join(" ")];
  return {
    command: [join(programs.postgresBin, "psql"), ...args],
    env: { LC_ALL: "C.UTF-8", PGPASSFILE: passwordFile, ...programs.env },
  };
}

/** Runs `sql`; what the rows are. */
export async function psql({ command, env }: PsqlCommand, sql: string): Promise<readonly string[]> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? "/usr/bin:/bin", ...env },
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
