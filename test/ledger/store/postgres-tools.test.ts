/** How PostgreSQL's own programs are started: by a made-up pg_dump that says what it was given, fails, or hangs. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { runTool, type ToolRun } from "../../../ledger/store/postgres-tools.ts";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";

let dir: string;
const before = process.env.PATH ?? "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-tools-"));
  mkdirSync(join(dir, "bin"));
  mkdirSync(join(dir, "own"));
  process.env.PATH = `${join(dir, "bin")}:${before}`;
  writeFileSync(join(dir, "password"), "pa:ss\\word's\n", { mode: 0o600 });
});
afterEach(() => {
  process.env.PATH = before;
  delete process.env.PGPASSWORD;
  delete process.env.PGSERVICE;
  rmSync(dir, { recursive: true, force: true });
});

const program = (script: string) => writeFileSync(join(dir, "bin/pg_dump"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

const settings = (change: Partial<PostgresSettings> = {}): PostgresSettings => ({
  database: "ledger",
  passwordFile: join(dir, "password"),
  replicated: true,
  schema: "boxes",
  servers: [{ host: "db1.example.org", port: 5433 }],
  tls: { ca: "/etc/root.pem", certificate: "/etc/own.pem", key: "/etc/own.key" },
  type: "ledger-postgres",
  user: "led'ger",
  version: 1,
  ...change,
});

async function ran(change: Partial<ToolRun> = {}): Promise<string> {
  let out = "";
  const all = settings();
  await runTool({
    program: "pg_dump",
    args: ["--format=custom"],
    settings: all,
    server: all.servers[0] as PostgresSettings["servers"][number],
    own: join(dir, "own"),
    take: async (piece) => {
      out += fromUtf8(new Uint8Array(piece));
    },
    ...change,
  });
  return out;
}

it("SECRET: a password is in no argument and no environment; it stands on a descriptor, in a file without a name, as libpq reads it", async () => {
  program(
    `tr '\\0' '\\n' < /proc/$$/cmdline; echo ==; tr '\\0' '\\n' < /proc/$$/environ; echo ==; cat /proc/self/fd/3; stat -L -c '%a %h %F' /proc/self/fd/3`,
  );
  process.env.PGPASSWORD = "another";
  process.env.PGSERVICE = "elsewhere";
  const [args = "", env = "", password = ""] = (await ran()).split("==\n");
  expect(args).not.toMatch(/pa:ss|word's/);
  expect(env).not.toMatch(/pa:ss|word's|PGPASSWORD|PGSERVICE|another/);
  expect(password).toBe("*:*:*:*:pa\\:ss\\\\word's\n600 0 regular file\n");
  expect(args.split("\n")).toEqual(expect.arrayContaining(["--no-password", "--format=custom"]));
  const said = /^--dbname=(.*)$/m.exec(args)?.[1] ?? "";
  for (const word of [
    "host='db1.example.org'",
    "port='5433'",
    "user='led\\'ger'",
    "sslmode='verify-full'",
    "sslrootcert='/etc/root.pem'",
    "sslkey='/etc/own.key'",
    "passfile='/proc/self/fd/3'",
  ])
    expect(said).toContain(word);
  expect(readdirSync(join(dir, "own"))).toEqual([]);
});

it("SECRET: without a password there is an empty file, so that none is looked for elsewhere; a Unix socket needs no TLS", async () => {
  program(`tr '\\0' '\\n' < /proc/$$/cmdline; echo ==; cat /proc/self/fd/3`);
  const { passwordFile: _, ...none } = settings();
  const [args = "", password] = (await ran({ settings: none, server: { host: "/run/pg", port: 5432 } })).split("==\n");
  expect([args.includes("sslmode='disable'"), args.includes("sslrootcert"), password]).toEqual([true, false, ""]);
  chmodSync(join(dir, "password"), 0o644);
  await expect(ran()).rejects.toMatchObject({ code: "CONFIG" });
});

it("STORE: one that fails says why, in its last words; what it printed before counts for nothing", async () => {
  program("echo half; echo 'pg_dump: error: no such thing' >&2; exit 1");
  await expect(ran()).rejects.toMatchObject({
    code: "STORE",
    message: "pg_dump ended with 1",
    got: "pg_dump: error: no such thing",
  });
  program("kill -9 $$");
  await expect(ran()).rejects.toMatchObject({ code: "STORE", message: "pg_dump ended with SIGKILL" });
  program("exit 3");
  const input = (async function* () {
    for (let piece = 0; piece < 64; piece++) yield utf8("x".repeat(65_536));
  })();
  await expect(ran({ input })).rejects.toMatchObject({ code: "STORE", message: "pg_dump ended with 3" });
});

it("CONFIG: where it is not installed that is said", async () => {
  process.env.PATH = join(dir, "bin");
  await expect(ran()).rejects.toMatchObject({ code: "CONFIG", expected: expect.stringMatching(/postgresql-client/) });
});

it("STORE: a fault of who takes what it prints, or gives what it reads, ends it", async () => {
  program(`trap 'touch ${join(dir, "ended")}; exit 1' TERM; echo $$; while :; do sleep 0.05; done`);
  const take = async () => {
    throw new Error("the disk is full");
  };
  await expect(ran({ take })).rejects.toThrow("the disk is full");
  expect(existsSync(join(dir, "ended"))).toBe(true);
  rmSync(join(dir, "ended"));
  const input = (async function* () {
    yield utf8("a");
    throw new Error("the stick is gone");
  })();
  await expect(ran({ input })).rejects.toThrow("the stick is gone");
  expect(existsSync(join(dir, "ended"))).toBe(true);
});

it("gives and takes whole: what goes in comes out", async () => {
  program("exec cat");
  const text = readFileSync(import.meta.filename, "utf8").repeat(200);
  expect(
    await ran({
      input: (async function* () {
        yield utf8(text);
      })(),
    }),
  ).toBe(text);
});
