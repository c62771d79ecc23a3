/** The journal: a chain of rows, each with the digest of the one before it (CHAIN). */

import { sha256 } from "../../host/crypto-host.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { canonical, canonicalBytes, type Json } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Db } from "./store.ts";

export interface JournalHead {
  readonly sequence: number;
  readonly digest: Uint8Array;
}

export interface JournalRow extends JournalHead {
  readonly time: Utc;
  readonly kind: JournalKind;
  /** canonical JSON */
  readonly record: string;
  readonly previous: Uint8Array;
}

/** What the journal tells of. */
export type JournalKind =
  | "created"
  | "recovered"
  | "recovered-manifest"
  | "started"
  | "policy"
  | "challenge"
  | "already"
  | "authorized"
  | "rejected"
  | "abort-ordered"
  | "reserved"
  | "renewed"
  | "attempt"
  | "time-stamp"
  | "revocation"
  | "manifest"
  | "released"
  | "refused"
  | "reported"
  | "pin-changed"
  | "pin-try"
  | "unlocked"
  | "locked"
  | "ceremony"
  | "clock-step"
  | "clock-set"
  | "order"
  | "statement"
  | "closing"
  | "acknowledged"
  | "anchored"
  | "keys-found"
  | "fault";

const rowsAtOnce = 1000;

export class Journal {
  readonly #db: Db;
  readonly #last;
  readonly #insert;
  readonly #from;
  readonly #at;

  constructor(db: Db) {
    this.#db = db;
    this.#last = db.prepare<[], JournalRow>("SELECT * FROM journal ORDER BY sequence DESC LIMIT 1");
    this.#insert = db.prepare<[number, Utc, string, string, Uint8Array, Uint8Array]>(
      "INSERT INTO journal (sequence, time, kind, record, previous, digest) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#from = db.prepare<[number, number], JournalRow>(
      "SELECT * FROM journal WHERE sequence >= ? ORDER BY sequence LIMIT ?",
    );
    this.#at = db.prepare<[number], JournalRow>("SELECT * FROM journal WHERE sequence = ?");
  }

  /** Adds a row inside the caller's transaction, with which it becomes durable. `time` must not be before the last row's. */
  append(time: Utc, kind: JournalKind, record: Json): JournalHead {
    if (!this.#db.inTransaction) throw new Refusal("INTERNAL", "a journal row outside a transaction");
    const last = this.#last.get();
    const sequence = (last?.sequence ?? 0) + 1;
    const previous = last?.digest ?? this.#genesis();
    return this.#put({ sequence, time, kind, record, previous });
  }

  /**
   * The first row of a store that was made anew: it follows the last row that is known of the lost one (`after`), inside the caller's
   * transaction. Refuses with INTERNAL where there are rows.
   */
  goOn(after: JournalHead, time: Utc, record: Json): JournalHead {
    if (this.#last.get()) throw new Refusal("INTERNAL", "a journal that goes on after another one must be empty");
    return this.#put({ sequence: after.sequence + 1, time, kind: "recovered", record, previous: after.digest });
  }

  head(): JournalHead {
    const last = this.#last.get();
    if (!last) throw new Refusal("CHAIN", "the journal is empty");
    return { sequence: last.sequence, digest: last.digest };
  }

  /** The time of the last row. */
  lastTime(): Utc | undefined {
    return this.#last.get()?.time;
  }

  at(sequence: number): JournalRow | undefined {
    return this.#at.get(sequence);
  }

  rows(from: number, limit: number): readonly JournalRow[] {
    return this.#from.all(from, limit);
  }

  /**
   * Reads every row and gives the head. Gives way to other work, which may add rows. Refuses with CHAIN, naming the first
   * row that does not fit.
   */
  async verify(): Promise<JournalHead> {
    let head = this.#before();
    let time = "";
    for (let from = Number.MIN_SAFE_INTEGER; ; from = head.sequence + 1) {
      const rows = this.#from.all(from, rowsAtOnce);
      for (const row of rows) {
        const wrong = rowFault(row, head, time);
        if (wrong) throw new Refusal("CHAIN", `journal row ${row.sequence} ${wrong}`, { about: `row ${row.sequence}` });
        head = { sequence: row.sequence, digest: row.digest };
        time = row.time;
      }
      if (rows.length < rowsAtOnce) break;
      await new Promise(setImmediate);
    }
    if (head.sequence === 0) throw new Refusal("CHAIN", "the journal is empty");
    return head;
  }

  /** The first row; of a store that was made anew it is of kind `recovered`. */
  first(): JournalRow | undefined {
    return this.#from.get(Number.MIN_SAFE_INTEGER, 1);
  }

  /** What the first row follows: the genesis policy, or the lost journal's last known row, which an order of the quorum vouches for. */
  #before(): JournalHead {
    const first = this.first();
    if (first?.kind === "recovered") return { sequence: first.sequence - 1, digest: first.previous };
    return { sequence: 0, digest: this.#genesis() };
  }

  #put(row: Omit<JournalRow, "digest" | "record"> & { readonly record: Json }): JournalHead {
    const { sequence, time, kind, record, previous } = row;
    const digest = rowDigest(row);
    this.#insert.run(sequence, time, kind, canonical(record), previous, digest);
    return { sequence, digest };
  }

  /** What stands before row 1: the genesis policy's digest. */
  #genesis(): Uint8Array {
    const genesis = this.#db.prepare<[], Uint8Array>("SELECT genesis FROM box").pluck().get();
    if (!genesis) throw new Refusal("CHAIN", "the store has lost its box row");
    return genesis;
  }
}

/** What is wrong with a row that should follow `before`; nothing when it fits. */
function rowFault(row: JournalRow, before: JournalHead, lastTime: Utc): string | undefined {
  if (row.sequence !== before.sequence + 1) return `follows row ${before.sequence}`;
  if (!equal(row.previous, before.digest)) return `does not hold the digest of row ${before.sequence}`;
  // Only a quorum sets the clock back, and the row says so.
  if (row.time < lastTime && row.kind !== "clock-set") return "is earlier than the row before it";
  let record: Json;
  try {
    record = JSON.parse(row.record) as Json;
    if (canonical(record) !== row.record) return "is not canonical";
  } catch {
    return "is not readable";
  }
  return equal(rowDigest({ ...row, record }), row.digest) ? undefined : "was changed: its digest is another";
}

function rowDigest(row: {
  readonly sequence: number;
  readonly time: Utc;
  readonly kind: string;
  readonly record: Json;
  readonly previous: Uint8Array;
}): Uint8Array {
  const { sequence, time, kind, record } = row;
  return sha256(canonicalBytes({ kind, previous: hex(row.previous), record, sequence, time }));
}
