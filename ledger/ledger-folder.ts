/** The folder of a ledger: made once, opened by every command. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../host/durable.ts";
import { emptyRoot } from "../manifests/log/tree-proof.ts";
import { checkKeyName } from "../manifests/log/verifier-key.ts";
import { Refusal } from "../manifests/refusal.ts";
import { makePlaces } from "./publish/places.ts";
import type { Database } from "./store/database.ts";
import { createSqlite, openSqlite } from "./store/sqlite.ts";

export interface Ledger {
  readonly folder: string;
  /** the log's name, which its checkpoints carry */
  readonly origin: string;
  readonly db: Database;
  close(): void;
}

export const storeFile = "store.sqlite";

/** Where it publishes unless said: within its own folder. */
export const ownPlace = { appendOnly: false, folder: "published" };

/**
 * Makes the folder (0700) with an empty log, and the places where it publishes. Refuses STORE where anything is there already, USAGE for an origin that no
 * checkpoint can carry.
 */
export async function createLedger(
  folder: string,
  origin: string,
  places: Parameters<typeof makePlaces>[2] = [ownPlace],
): Promise<void> {
  checkOrigin(origin);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Refusal("STORE", "there is something in the folder already: a ledger is never overwritten", {
      expected: "a new or an empty folder",
      about: folder,
    });
  }
  await makeFolder(folder);
  await makePlaces(folder, origin, places);
  await createSqlite(join(folder, storeFile), (sql) =>
    sql.insert("tree_head", ["one", "origin", "size", "root", "epoch"], [[1, origin, 0, emptyRoot, 0]]),
  );
}

/** Opens what `createLedger` made. Refuses STORE. */
export async function openLedger(folder: string): Promise<Ledger> {
  const db = openSqlite(join(folder, storeFile));
  try {
    const head = await db.reading((sql) => sql.get<{ origin: string }>("SELECT origin FROM tree_head WHERE one = 1"));
    if (head === undefined) throw new Refusal("STORE", "the store names no log", { about: folder });
    return { folder, origin: head.origin, db, close: () => db.close() };
  } catch (fault) {
    db.close();
    throw fault;
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
