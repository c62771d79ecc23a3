/** A copy of a store that others may be writing to: what was committed at one moment, page by page. */

import Sqlite from "better-sqlite3";
import { Refusal } from "../../manifests/refusal.ts";
import { storeFault } from "./sqlite-sql.ts";
import { checkedVersion, checkThere } from "./sqlite-version.ts";

export interface StoreState {
  /** of the schema; may be an older one */
  readonly schema: number;
  /** the log's name */
  readonly origin: string;
  /** entries, and the root over them */
  readonly size: number;
  readonly root: Uint8Array;
  /** entries of the newest checkpoint that was signed; 0: none was */
  readonly signed: number;
}

/**
 * Copies the store at `from` to the new file `to`, which is looked through page by page; not synced. A reader's lock keeps the moment, so that who writes meanwhile is not hindered, and
 * does not make it begin anew. Refuses STORE, BUSY, and STORE-VERSION a newer store than this program knows.
 */
export async function copySqlite(from: string, to: string): Promise<StoreState> {
  checkThere(from);
  let source: Sqlite.Database | undefined;
  try {
    source = new Sqlite(from, { readonly: true, fileMustExist: true, timeout: 2000 });
    source.exec("BEGIN");
    checkedVersion(source, from);
    await source.backup(to);
    source.exec("COMMIT");
    return storeState(to);
  } catch (fault) {
    throw storeFault(fault).fault;
  } finally {
    source?.close();
  }
}

/** What a store file says of itself, after every page of it was looked at. Refuses STORE one that is damaged, STORE-VERSION. */
export function storeState(path: string): StoreState {
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(path, { fileMustExist: true, timeout: 2000 });
    db.pragma("trusted_schema = OFF");
    const said = String(db.pragma("integrity_check(1)", { simple: true }));
    if (said !== "ok") throw new Refusal("STORE", "the store is damaged", { got: said.slice(0, 200), about: path });
    const schema = checkedVersion(db, path);
    const head = db
      .prepare<[], { origin: string; size: number; root: Buffer }>("SELECT origin, size, root FROM tree_head")
      .get();
    if (!head) throw new Refusal("STORE", "the store names no log", { about: path });
    const signed = Number(db.prepare("SELECT coalesce(max(size), 0) FROM checkpoints").pluck().get());
    return { schema, origin: head.origin, size: head.size, root: new Uint8Array(head.root), signed };
  } catch (fault) {
    throw storeFault(fault).fault;
  } finally {
    db?.close();
  }
}
