/**
 * PostgreSQL's own programs (Debian: postgresql-client) against one server of a ledger's settings. No password is in their arguments or their environment: it stands on a descriptor that they
 * inherit, in a file that has no name any more. What they read and write goes through pipes, so that they end with the process that started them.
 */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { faultWords } from "../../host/fault-words.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { isSocketFolder, type PostgresServer, type PostgresSettings, readPasswordFile } from "./postgres-settings.ts";

export interface ToolRun {
  readonly program: "pg_dump" | "pg_restore";
  /** beside those that say where the server is */
  readonly args: readonly string[];
  readonly settings: PostgresSettings;
  readonly server: PostgresServer;
  /** a folder of this user's alone, in which the password's file stands for as long as it takes to open it */
  readonly own: string;
  /** its standard input; none unless said */
  readonly input?: AsyncIterable<Uint8Array>;
  /** takes what it prints, piece by piece; only then is the next one asked for */
  readonly take?: (piece: Uint8Array) => Promise<void>;
}

/** The descriptor with the password, in the program. */
const passwordFd = 3;
/** Of what it says of itself, characters. */
const mostSaid = 4000;

/** Runs it to its end. Refuses CONFIG where it is not here, or a file of the settings cannot be used; STORE where it ends otherwise than with 0; what `take` throws. */
export async function runTool(run: ToolRun): Promise<void> {
  const { args, input, program, server, settings, take } = run;
  const password = passwordFile(settings, run.own);
  try {
    const child = spawn(program, [`--dbname=${connectionWords(settings, server)}`, "--no-password", ...args], {
      // Nothing of this process's own environment says where a server is, or who asks.
      env: { HOME: "/nonexistent", LC_ALL: "C.UTF-8", ...inherited() },
      stdio: [input ? "pipe" : "ignore", "pipe", "pipe", password],
    });
    const ended = new Promise<number | string>((resolve, reject) => {
      child.once("error", (cause) => reject(notHere(program, cause)));
      child.once("close", (status, signal) => resolve(status ?? signal ?? "nobody knows how"));
    });
    // Looked at below; what fails before is told first.
    ended.catch(() => undefined);
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-mostSaid);
    });
    try {
      await Promise.all([given(child.stdin, input), taken(child.stdout as Readable, take)]);
    } catch (fault) {
      child.kill();
      await ended;
      throw fault;
    }
    const status = await ended;
    if (status !== 0) throw new Refusal("STORE", `${program} ended with ${status}`, { got: lastWords(said) });
  } finally {
    closeSync(password);
  }
}

/** As libpq reads it (https://www.postgresql.org/docs/15/libpq-connect.html): every place that it would look into by itself is named, or switched off. */
function connectionWords(settings: PostgresSettings, server: PostgresServer): string {
  const { database, tls, user } = settings;
  const network = tls === undefined || isSocketFolder(server) ? undefined : tls;
  const words = {
    application_name: "coldseal-ledger",
    client_encoding: "UTF8",
    connect_timeout: "10",
    dbname: database,
    gssencmode: "disable",
    host: server.host,
    options: "-c synchronous_commit=on",
    passfile: `/proc/self/fd/${passwordFd}`,
    port: `${server.port}`,
    sslmode: network ? "verify-full" : "disable",
    ...(network ? { sslrootcert: network.ca } : {}),
    ...(network?.certificate === undefined ? {} : { sslcert: network.certificate }),
    ...(network?.key === undefined ? {} : { sslkey: network.key }),
    user,
  };
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return Object.entries(words)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(" ");
}

/** Where programs and their libraries are. */
function inherited(): NodeJS.ProcessEnv {
  const { LD_LIBRARY_PATH, PATH = "/usr/bin:/bin" } = process.env;
  return { PATH, ...(LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }) };
}

/** A descriptor of a file of 0600 in libpq's form, which has no name any more; without a password it is empty. Refuses CONFIG, STORE. */
function passwordFile({ passwordFile: path }: PostgresSettings, own: string): number {
  const password = path === undefined ? undefined : readPasswordFile(path);
  const name = join(own, `.tmp-${randomBytes(8).toString("hex")}`);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(name, "wx+", 0o600);
    rmSync(name);
    if (password !== undefined) writeSync(descriptor, utf8(`*:*:*:*:${password.replace(/[\\:]/g, "\\$&")}\n`));
    return descriptor;
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw new Refusal("STORE", `a file cannot be made there: ${faultWords(cause)}`, { about: own, cause });
  }
}

/** A program that ended before it had read all says why itself. */
async function given(stdin: NodeJS.WritableStream | null, input: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  if (!stdin || !input) return;
  await pipeline(Readable.from(input), stdin).catch((fault: NodeJS.ErrnoException) => {
    if (fault.code !== "EPIPE" && fault.code !== "ERR_STREAM_PREMATURE_CLOSE") throw fault;
  });
}

async function taken(stdout: Readable, take: ToolRun["take"]): Promise<void> {
  if (take === undefined) return finished(stdout.resume(), { writable: false });
  for await (const piece of stdout) await take(piece as Uint8Array);
}

function notHere(program: string, cause: unknown): Refusal {
  return new Refusal("CONFIG", `${program} cannot be started: ${faultWords(cause)}`, {
    expected: `${program} on the PATH, of the server's version or a later one (Debian: postgresql-client)`,
    cause,
  });
}

function lastWords(said: string): string {
  return said.trim().split("\n").slice(-3).join(" / ").slice(0, 600) || "it says nothing";
}
