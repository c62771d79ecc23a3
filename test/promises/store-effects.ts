/** Every commit of a signer's store as an effect: transactions and single statements, whatever code makes them. Import it before the product. */

import Database from "better-sqlite3";
import type { Effects } from "./effects.ts";

const watched = new Map<string, Effects>();

/** Commits of the store at `path` are effects from now on. */
export function watchStore(path: string, effects: Effects): void {
  watched.set(path, effects);
}

type Act = (...args: unknown[]) => unknown;
type Variants = Act & Record<"default" | "deferred" | "immediate" | "exclusive", Act>;

const database = Database.prototype as unknown as { transaction(act: Act): Variants };
const { transaction } = database;

database.transaction = function (this: Database.Database, act: Act): Variants {
  const through = (variant: "default" | "deferred" | "immediate" | "exclusive"): Act => {
    return (...args) => {
      const effects = this.inTransaction ? undefined : watched.get(this.name);
      if (!effects) return transaction.call(this, act)[variant](...args);
      let planned = false;
      const result = transaction
        .call(this, (...inner: unknown[]) => {
          if (effects.dead) effects.before("commit", full);
          tables.delete(this);
          const changes = changesOf(this);
          const value = act(...inner);
          if (changesOf(this) !== changes) planned = effects.before(`commit ${touched(this)}`, full);
          return value;
        })
        [variant](...args);
      effects.after(planned, failedSync);
      return result;
    };
  };
  const [usual, deferred, immediate, exclusive] = (["default", "deferred", "immediate", "exclusive"] as const).map(
    through,
  );
  return Object.assign(usual as Act, { default: usual, deferred, immediate, exclusive }) as Variants;
};

const probe = new Database(":memory:");
const statement = Object.getPrototypeOf(probe.prepare("SELECT 1")) as { run: Act };
probe.close();
const { run } = statement;

statement.run = function (this: Database.Statement, ...args: unknown[]): unknown {
  const db = this.database;
  const effects = watched.get(db.name);
  if (!effects || this.readonly) return run.apply(this, args);
  if (db.inTransaction) {
    tables.set(db, (tables.get(db) ?? new Set<string>()).add(tableOf(this.source)));
    return run.apply(this, args);
  }
  const planned = effects.before(`commit ${tableOf(this.source)}`, full);
  const result = run.apply(this, args);
  effects.after(planned, failedSync);
  return result;
};

const tables = new WeakMap<Database.Database, Set<string>>();

function touched(db: Database.Database): string {
  return [...(tables.get(db) ?? [])].join("+") || "rows";
}

function tableOf(sql: string): string {
  return /^\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+(\w+)/i.exec(sql)?.[1] ?? "rows";
}

function changesOf(db: Database.Database): unknown {
  return db.prepare("SELECT total_changes()").pluck().get();
}

/** Nothing of the transaction is there, and the box may go on. */
function full(): Error {
  return new Database.SqliteError("database or disk is full", "SQLITE_FULL");
}

/** All of it is there, and whoever wrote it does not know. */
function failedSync(): Error {
  return new Database.SqliteError("disk I/O error", "SQLITE_IOERR_FSYNC");
}
