/** The servers' programs: found on this machine, else fetched (scripts/servers.mjs), and the user who runs them. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** Who runs the servers: PostgreSQL refuses to be run by root. */
export interface RunsAs {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerPrograms {
  /** folder of PostgreSQL's own programs: postgres, pg_rewind, psql and so on */
  readonly postgresBin: string;
  readonly etcd: string;
  /** command and first arguments */
  readonly patroni: readonly string[];
  /** what these need beside PATH, such as where libraries and Python's modules lie */
  readonly env: Readonly<Record<string, string>>;
  /** absent: this process's own user, who is not root */
  readonly runsAs?: RunsAs;
}

const script = join(import.meta.dirname, "../../../scripts/servers.mjs");

/** Throws, with what to install, where they are not here and cannot be fetched. */
export async function serverPrograms(): Promise<ServerPrograms> {
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  const found = JSON.parse(stdout) as ServerPrograms;
  return process.getuid?.() === 0 ? { ...found, runsAs: notRoot() } : found;
}

/** `postgres`, which its package makes, else `nobody`. */
function notRoot(): RunsAs {
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const [, , uid, gid] = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody") ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error("there is no user `postgres` or `nobody` to run the servers");
  return { uid: Number(uid), gid: Number(gid) };
}
