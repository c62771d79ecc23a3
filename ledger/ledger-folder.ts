/** The folder of a ledger: made once, opened by every command. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { makeFolder, writeDurable } from "../host/durable.ts";
import { utf8 } from "../manifests/encoding/bytes.ts";
import { emptyRoot } from "../manifests/log/tree-proof.ts";
import { checkKeyName } from "../manifests/log/verifier-key.ts";
import { Refusal } from "../manifests/refusal.ts";
import { checkDifferent, checkPlaces, makePlaces } from "./publish/places.ts";
import type { Database, Sql } from "./store/database.ts";
import { type PostgresSettings, readPostgresSettings, writePostgresSettings } from "./store/postgres-settings.ts";
import { createSqlite, openSqlite } from "./store/sqlite.ts";

export interface Ledger {
  readonly folder: string;
  /** the log's name, which its checkpoints carry */
  readonly origin: string;
  readonly db: Database;
  close(): void;
}

/** One of the two is there: the store itself, or where it is. */
export const storeFile = "store.sqlite";
export const serversFile = "postgres.json";
/** How the tables on the servers were described when they were last compared: those that are the same are not compared again. */
const schemaFile = "postgres-schema";

/** Where it publishes unless said: within its own folder. */
export const ownPlace = { appendOnly: false, folder: "published" };

/**
 * Makes the folder (0700) with an empty log, and the places where it publishes; with `postgres` the store is there, else in the folder;
 * `afterBackup`: nothing is published before a backup holds it. Where that was begun with the same `postgres` and did
 * not come to its end, it goes on from there. Refuses STORE where anything else is there already, or nobody knows whether the store is made; USAGE for an origin that no checkpoint can carry and a place that is named twice,
 * CONFIG servers that cannot be used.
 */
export async function createLedger(
  folder: string,
  origin: string,
  places: Parameters<typeof makePlaces>[2] = [ownPlace],
  postgres?: PostgresSettings,
  afterBackup = false,
): Promise<void> {
  checkOrigin(origin);
  checkDifferent(folder, places);
  const begun = postgres !== undefined && wasBegun(folder, postgres);
  if (!begun) checkEmpty(folder, "a ledger is never overwritten");
  if (postgres !== undefined && !begun) await (await import("./store/postgres.ts")).checkPlaceFor(postgres);
  await checkPlaces(folder, origin, places);
  await makeFolder(folder);
  await makePlaces(folder, origin, places, afterBackup);
  const fill = (sql: Sql) =>
    sql.insert("tree_head", ["one", "origin", "size", "root", "epoch"], [[1, origin, 0, emptyRoot, 0]]);
  if (postgres === undefined) return createSqlite(join(folder, storeFile), fill);
  const { createPostgres, hasSchema } = await import("./store/postgres.ts");
  // First, so that one of which nobody knows whether it was made is known as this folder's.
  await writePostgresSettings(join(folder, serversFile), postgres);
  const there = begun && (await hasSchema(postgres));
  await keepSchema(folder, there ? await takeUp(postgres, origin) : await createPostgres(postgres, fill));
}

/** Refuses STORE. */
export function checkEmpty(folder: string, why: string): void {
  const at = statSync(folder, { throwIfNoEntry: false });
  if (at === undefined || (at.isDirectory() && readdirSync(folder).length === 0)) return;
  throw new Refusal("STORE", `there is something ${at.isDirectory() ? "in the folder " : ""}already: ${why}`, {
    expected: "a new or an empty folder",
    about: folder,
  });
}

/** Opens what `createLedger` made, on whichever engine. Refuses STORE, CONFIG. */
export async function openLedger(folder: string): Promise<Ledger> {
  const db = await openStore(folder);
  try {
    const head = await db.reading((sql) => sql.get<{ origin: string }>("SELECT origin FROM tree_head WHERE one = 1"));
    if (head === undefined) throw new Refusal("STORE", "the store names no log", { about: folder });
    return { folder, origin: head.origin, db, close: () => db.close() };
  } catch (fault) {
    db.close();
    throw fault;
  }
}

/** Where the store is; undefined: in the folder. Refuses CONFIG. */
export function serversOf(folder: string): PostgresSettings | undefined {
  const settings = join(folder, serversFile);
  return existsSync(settings) ? readPostgresSettings(settings) : undefined;
}

/** The file that is the store, or that says where it is: another file there is another store. */
export function storeMark(folder: string): string {
  return join(folder, existsSync(join(folder, serversFile)) ? serversFile : storeFile);
}

/** The driver of a server is loaded only where there is one. */
async function openStore(folder: string): Promise<Database> {
  const settings = serversOf(folder);
  if (settings === undefined) return openSqlite(join(folder, storeFile));
  const { openPostgres } = await import("./store/postgres.ts");
  const known = existsSync(join(folder, schemaFile))
    ? readFileSync(join(folder, schemaFile), "utf8").trim()
    : undefined;
  const { db, schema } = await openPostgres(settings, known);
  if (schema !== known) await keepSchema(folder, schema);
  return db;
}

function keepSchema(folder: string, schema: string): Promise<void> {
  return writeDurable(join(folder, schemaFile), utf8(`${schema}\n`));
}

/** Whether the folder is that of a ledger on these servers whose making did not come to its end: what the tables are is kept last. */
function wasBegun(folder: string, postgres: PostgresSettings): boolean {
  if (existsSync(join(folder, schemaFile))) return false;
  const settings = serversOf(folder);
  return settings !== undefined && isDeepStrictEqual(settings, postgres);
}

/** What was made there before, where it is an empty log of this name, and all servers have it. Gives how its tables are described. Refuses STORE. */
async function takeUp(postgres: PostgresSettings, origin: string): Promise<string> {
  const { db, schema } = await (await import("./store/postgres.ts")).openPostgres(postgres);
  try {
    const empty = await db.settled((sql) =>
      sql.get("SELECT 1 AS one FROM tree_head WHERE origin = ? AND size = 0 AND epoch = 0", origin),
    );
    if (empty !== undefined) return schema;
    throw new Refusal("STORE", "another log is already there: a record is never overwritten", {
      expected: `an empty log ${origin}, as this folder's own init made it`,
      about: `schema ${postgres.schema}`,
    });
  } finally {
    db.close();
  }
}

/** A log's name is its key's (C2SP tlog-checkpoint, signed-note). */
function checkOrigin(origin: string): void {
  try {
    checkKeyName(origin);
  } catch (cause) {
    throw new Refusal("USAGE", "this cannot be the name of a log", {
      expected: "a name like ledger.example.org/boxes: at most 255 bytes, no spaces, no +",
      got: JSON.stringify(origin.slice(0, 80)),
      cause,
    });
  }
}
