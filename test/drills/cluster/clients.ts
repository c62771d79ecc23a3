/**
 * Clients who have entries appended through the real store, several at a time, one batch after another, and note what they are told is stored. Who is told that a
 * batch was not stored, or that nobody knows, brings the same again.
 */

import { setTimeout } from "node:timers/promises";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { append } from "../../../ledger/log/append.ts";
import { takeOver } from "../../../ledger/log/tree-head.ts";
import type { Database } from "../../../ledger/store/database.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { type LogRecord, leafOver, recordBytes } from "../../../manifests/log/entry.ts";
import { leafHash } from "../../../manifests/records/merkle.ts";
import { Refusal } from "../../../manifests/refusal.ts";

/** What a client was told of one entry. */
export interface Told {
  /** digest of its record, hex */
  readonly content: string;
  readonly index: number;
  /** hash of its leaf in the log's tree, hex */
  readonly leaf: string;
  /** when the store was asked, and when it answered; ms of `performance.now()` */
  readonly asked: number;
  readonly told: number;
}

const clients = 4;
const batch = 25;
const pause = 50;

export class Clients {
  /** in the order in which it was told */
  readonly told: Told[] = [];
  /** what the store refused, in its words, counted */
  readonly refused = new Map<string, number>();
  readonly #db: Database;
  readonly #epoch: number;
  #next = 0;
  #over = false;
  #working: Promise<unknown> = Promise.resolve();

  private constructor(db: Database, epoch: number) {
    this.#db = db;
    this.#epoch = epoch;
  }

  /** Takes the log over, and begins. */
  static async start(db: Database): Promise<Clients> {
    const all = new Clients(db, await takeOver(db));
    all.#working = Promise.all(Array.from({ length: clients }, () => all.#work()));
    // Whoever asks for the end gets the fault; nobody may ask.
    all.#working.catch(() => undefined);
    return all;
  }

  /** Lets each finish its batch. */
  async stop(): Promise<void> {
    this.abandon();
    await this.#working;
  }

  /** As `stop`, and waits for none. */
  abandon(): void {
    this.#over = true;
  }

  /** Waits until there is what `found` finds among what was told. Throws where a client failed, or `signal` is aborted. */
  async until<T>(found: (told: readonly Told[]) => T | undefined, signal: AbortSignal): Promise<T> {
    const failed = this.#working.then(() => undefined);
    for (;;) {
      const value = found(this.told);
      if (value !== undefined) return value;
      signal.throwIfAborted();
      await Promise.race([setTimeout(5), failed]);
      if (this.#over) throw new Error("the clients have stopped");
    }
  }

  async #work(): Promise<void> {
    while (!this.#over) {
      const records = Array.from({ length: batch }, () => numberedRecord(this.#next++));
      await this.#store(records);
    }
  }

  async #store(records: readonly LogRecord[]): Promise<void> {
    while (!this.#over) {
      const asked = performance.now();
      try {
        const places = await this.#db.writing((sql) => append(sql, this.#epoch, records));
        const told = performance.now();
        for (const [at, { index, salt }] of places.entries()) {
          const bytes = recordBytes(records[at] as LogRecord);
          const leaf = await leafHash(nodeHost, await leafOver(nodeHost, salt, "custody", bytes));
          this.told.push({ content: hex(sha256(bytes)), index, leaf: hex(leaf), asked, told });
        }
        return;
      } catch (fault) {
        if (!(fault instanceof Refusal && (fault.code === "STORE" || fault.code === "CONFIG"))) throw fault;
        this.refused.set(fault.message, (this.refused.get(fault.message) ?? 0) + 1);
        await setTimeout(pause);
      }
    }
  }
}

/** Of what was told, that which the store does not hold, or holds under another index or with another leaf. */
export async function lostOf(db: Database, told: readonly Told[]): Promise<readonly Told[]> {
  const kept = new Map<string, string>();
  for (let next = 0; ; ) {
    const rows = await db.reading((sql) =>
      sql.all<EntryRow>("SELECT idx, salt, record FROM entries WHERE idx >= ? ORDER BY idx LIMIT 1000", next),
    );
    for (const { idx, record, salt } of rows) {
      const bytes = utf8(record);
      const leaf = await leafHash(nodeHost, await leafOver(nodeHost, salt, "custody", bytes));
      kept.set(hex(sha256(bytes)), `${idx} ${hex(leaf)}`);
    }
    const last = rows.at(-1);
    if (last === undefined) break;
    next = last.idx + 1;
  }
  return told.filter(({ content, index, leaf }) => kept.get(content) !== `${index} ${leaf}`);
}

interface EntryRow {
  readonly idx: number;
  readonly salt: Uint8Array;
  readonly record: string;
}

/** The n-th record of a box that does not exist. */
function numberedRecord(n: number): LogRecord {
  const digest = hex(sha256(utf8(`drill ${n}`)));
  return { appliance: "drill", digest, genesis: "00".repeat(32), type: "custody", version: 1 };
}
