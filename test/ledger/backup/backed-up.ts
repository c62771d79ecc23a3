/** A ledger with keys, places and witnesses, and what backs it up and restores it beside itself. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackupRecord } from "../../../ledger/backup/backup-record.ts";
import { makeBackup } from "../../../ledger/backup/make-backup.ts";
import { type Restored, type RestoreWanted, restoreBackup } from "../../../ledger/backup/restore.ts";
import type { BroughtOut } from "../../../ledger/checkpoints/bring-out.ts";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { headsPlace } from "../../../ledger/signed-heads/heads-place.ts";
import { openSignedHeads, type SignedHeads } from "../../../ledger/signed-heads/signed-heads.ts";
import { recordsFrom } from "../a-ledger.ts";
import { aLog, type TestLog, type TestWitness } from "../checkpoints/a-log.ts";

export const now = "2026-11-22T10:00:00Z";

export interface BackedUp {
  readonly log: TestLog;
  /** a path in a folder of this test's own */
  at(name: string): string;
  grow(count: number): Promise<void>;
  bringItOut(witnesses?: readonly TestWitness[]): Promise<BroughtOut>;
  /** into `backup` unless said */
  backup(to?: string, keys?: boolean): Promise<BackupRecord>;
  /** beside the ledger, whose places stand by names relative to it */
  readonly target: string;
  /** from `backup` to `target` unless said */
  restore(change?: Partial<RestoreWanted>): Promise<Restored>;
  restoredHeads(): Promise<SignedHeads>;
  end(): Promise<void>;
}

export async function backedUp(): Promise<BackedUp> {
  const log = await aLog();
  const dir = mkdtempSync(join(tmpdir(), "coldseal-backup-"));
  const at = (name: string) => join(dir, name);
  const target = join(log.ledger.dir, "restored");
  return {
    log,
    at,
    target,
    async grow(count) {
      const { size } = await log.ledger.db.reading(treeHead);
      await log.ledger.add(recordsFrom(size, count));
    },
    bringItOut: (witnesses = []) =>
      log.bringOut({ cosignatures: witnesses.length, witnesses }, { places: placesOf(log.ledger) }),
    backup: (to = at("backup"), keys = true) => makeBackup({ folder: log.ledger.folder, to, keys, now }),
    restore: (change = {}) => restoreBackup({ from: at("backup"), folder: target, ...change }),
    restoredHeads: () => openSignedHeads(headsPlace(join(target, "signer")), [log.log.name]),
    async end() {
      await log.end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
