/** The store as a service asks it: it may go away and come back, or be put back, under a process that goes on. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Ledger, openLedger } from "../ledger-folder.ts";
import type { Sql } from "../store/database.ts";

export const storePath = (ledger: string) => join(ledger, "store.sqlite");

export class OpenStore {
  readonly #folder: string;
  #opened: Promise<{ readonly ledger: Ledger; readonly file: string }> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * What stands there at one moment. A store that is not the file any more that was opened is opened anew: SQLite goes on with one that was removed as if it were there.
   * Refuses STORE, BUSY.
   */
  async reading<T>(work: (sql: Sql, now: Utc) => Promise<T>): Promise<T> {
    const { ledger } = await this.#open();
    try {
      return await ledger.db.reading((sql) => work(sql, utcOf(Date.now())));
    } catch (fault) {
      if (fault instanceof Refusal && fault.code === "STORE") await this.close();
      throw fault;
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    (await opened?.catch(() => undefined))?.ledger.close();
  }

  async #open(): Promise<{ readonly ledger: Ledger; readonly file: string }> {
    const file = identity(storePath(this.#folder));
    const seen = this.#opened;
    const opened = await seen?.catch(() => undefined);
    if (opened?.file === file) return opened;
    if (seen !== undefined && this.#opened === seen) await this.close();
    this.#opened ??= openLedger(this.#folder).then((ledger) => ({ ledger, file }));
    return this.#opened;
  }
}

function identity(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat) return `${stat.dev} ${stat.ino}`;
  throw new Refusal("STORE", "the ledger's store is not there", { expected: "store.sqlite", got: "none" });
}
