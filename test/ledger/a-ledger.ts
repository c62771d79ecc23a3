/** A ledger in a folder of its own, and records to append to it. */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLedger, type Ledger, openLedger } from "../../ledger/ledger-folder.ts";
import { append, type Place as EntryPlace } from "../../ledger/log/append.ts";
import { formerHead } from "../../ledger/log/proofs.ts";
import { takeOver, treeHead } from "../../ledger/log/tree-head.ts";
import type { Place } from "../../ledger/publish/place.ts";
import { placesOf } from "../../ledger/publish/places.ts";
import type { LogRecord } from "../../manifests/log/entry.ts";
import { sealPath } from "../../manifests/records/names.ts";
import { logKey, signedCheckpoint } from "../manifests/log/log-keys.ts";
import { copyStore, newStore } from "./store/engine.ts";

export const origin = "ledger.example.org/boxes";

export interface TestLedger extends Ledger {
  /** everything of it stands below this */
  readonly dir: string;
  /** two of them */
  readonly places: readonly Place[];
  /** of this process */
  epoch: number;
  /** appends in a transaction of its own */
  add(records: readonly LogRecord[]): Promise<readonly EntryPlace[]>;
  /** closes, and opens anew as after a crash */
  reopened(): Promise<TestLedger>;
  /** a checkpoint of what is there now, or was at `size` */
  checkpoint(size?: number): Promise<Uint8Array>;
  /** closes and removes all */
  end(): void;
}

export async function aLedger(): Promise<TestLedger> {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-ledger-"));
  const places = ["a", "b"].map((name) => ({ appendOnly: false, folder: `../${name}` }));
  await createLedger(join(dir, "ledger"), origin, places, newStore());
  return openedIn(dir);
}

/** A copy of a ledger, with its places: made once, changed by many. */
export async function aCopyOf(ledger: TestLedger): Promise<TestLedger> {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-ledger-"));
  cpSync(ledger.dir, dir, { recursive: true });
  await copyStore(join(dir, "ledger"));
  return openedIn(dir);
}

async function openedIn(dir: string): Promise<TestLedger> {
  const ledger = await openLedger(join(dir, "ledger"));
  const opened = {
    ...ledger,
    dir,
    places: placesOf(ledger),
    epoch: await takeOver(ledger.db),
    add: (records: readonly LogRecord[]) => ledger.db.writing((sql) => append(sql, opened.epoch, records)),
    async checkpoint(at?: number) {
      const head = await ledger.db.reading(async (sql) => (at === undefined ? treeHead(sql) : formerHead(sql, at)));
      return signedCheckpoint({ origin, ...head }, await logKey(origin));
    },
    reopened() {
      ledger.close();
      return openedIn(dir);
    },
    end() {
      ledger.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return opened;
}

/** The n-th record of a made-up box: a manifest every tenth, seals between. */
export function recordOf(n: number): LogRecord {
  const digest = n.toString(16).padStart(64, "0");
  const box = { appliance: "box-1", genesis: "ab".repeat(32), version: 1 } as const;
  const number = Math.floor(n / 10) + 1;
  if (n % 10 === 0) return { ...box, digest, number, type: "manifest" };
  const index = n % 10;
  const name = `document ${n}.pdf`;
  const line = {
    digest,
    index,
    name,
    seal: sealPath(index, name),
    sealDigest: digest,
    size: n,
  };
  return { ...box, line, manifest: "cd".repeat(32), number, type: "seal" };
}

export function recordsFrom(first: number, count: number): readonly LogRecord[] {
  return Array.from({ length: count }, (_, at) => recordOf(first + at));
}
