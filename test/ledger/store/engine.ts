/** Which engine the tests' ledgers stand on: SQLite, or where `npm run test:postgres` started servers, a schema of each ledger's own on these. */

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serversOf, storeMark } from "../../../ledger/ledger-folder.ts";
import type { Database, Sql } from "../../../ledger/store/database.ts";
import { createPostgres, openPostgres } from "../../../ledger/store/postgres.ts";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { tables } from "../../../ledger/store/schema.ts";
import { createSqlite, openSqlite } from "../../../ledger/store/sqlite.ts";

/** What the servers' start says to the tests, as JSON in an environment variable. No secret is in it. */
export interface TestServers {
  readonly settings: PostgresSettings;
  /** command, arguments and environment of a psql that is the administrator's, on whichever server leads */
  readonly psql: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

export const variable = "COLDSEAL_TEST_POSTGRES";

export function testServers(): TestServers | undefined {
  const said = process.env[variable];
  return said === undefined ? undefined : (JSON.parse(said) as TestServers);
}

/** Where a new ledger's store shall be; undefined: in its folder. */
export function newStore(): PostgresSettings | undefined {
  const servers = testServers();
  return servers && { ...servers.settings, schema: `t_${randomBytes(8).toString("hex")}` };
}

/** What `coldseal ledger init` is told for such a store; `dir` takes a file. */
export function initWords(dir: string): readonly string[] {
  const settings = newStore();
  if (settings === undefined) return [];
  const file = join(dir, `${settings.schema}.json`);
  writeFileSync(file, JSON.stringify(settings));
  return ["--postgres", file];
}

/** After a ledger's folder was copied: gives the copy a store of its own, as it was in the other. */
export async function copyStore(folder: string): Promise<void> {
  const of = serversOf(folder);
  if (of) writeFileSync(storeMark(folder), JSON.stringify(await copyOf(of.schema)));
}

/** Keeps what a ledger's store holds now; called, puts it back. Nobody has the store open meanwhile. */
export async function storeKept(folder: string): Promise<() => void> {
  const of = serversOf(folder);
  const store = storeMark(folder);
  if (of) {
    const copy = await copyOf(of.schema);
    return () => writeFileSync(store, JSON.stringify(copy));
  }
  copyFileSync(store, `${store}.kept`);
  return () => {
    for (const ending of ["-wal", "-shm"]) rmSync(`${store}${ending}`, { force: true });
    renameSync(`${store}.kept`, store);
  };
}

/** The store that a folder names is not there any more. */
export function removeStore(folder: string): void {
  const schema = schemaOf(folder);
  if (schema === undefined) rmSync(storeMark(folder));
  else administer(`DROP SCHEMA ${schema} CASCADE`);
}

/** Statements of the administrator. */
export function administer(sql: string): void {
  const servers = testServers();
  if (servers === undefined) throw new Error("no servers were started for these tests");
  const [command, ...args] = servers.psql;
  execFileSync(command, args, {
    env: { ...process.env, ...servers.env },
    input: sql,
    stdio: ["pipe", "ignore", "pipe"],
  });
}

export interface TestStore {
  /** where it is */
  readonly settings: PostgresSettings | undefined;
  open(): Promise<Database>;
  end(): void;
}

/** A store without a ledger's folder, filled by `fill`. */
export async function aStore(fill: (sql: Sql) => Promise<void> = async () => undefined): Promise<TestStore> {
  const settings = newStore();
  if (settings !== undefined) {
    await createPostgres(settings, fill);
    return { settings, open: async () => (await openPostgres(settings)).db, end: () => undefined };
  }
  const dir = mkdtempSync(join(tmpdir(), "coldseal-ledger-store-"));
  const path = join(dir, "store.sqlite");
  await createSqlite(path, fill);
  return { settings, open: async () => openSqlite(path), end: () => rmSync(dir, { recursive: true }) };
}

/** Whose store is where: the schema of a folder on the servers; undefined where the store is in the folder. */
export function schemaOf(folder: string): string | undefined {
  return serversOf(folder)?.schema;
}

async function copyOf(schema: string): Promise<PostgresSettings> {
  const settings = newStore();
  if (settings === undefined) throw new Error("no servers were started for these tests");
  await createPostgres(settings, async (sql) => {
    const own = tables.filter(({ name }) => name !== "schema_versions");
    for (const { name } of own) await sql.run(`INSERT INTO ${name} SELECT * FROM ${schema}.${name}`);
  });
  return settings;
}
