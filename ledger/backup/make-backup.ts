/** `coldseal ledger backup`: the store as it was at one moment, with what else of the ledger's folder it takes to go on. */

import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, syncTree, writeDurable } from "../../host/durable.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkEmpty, serversOf, storeFile } from "../ledger-folder.ts";
import { copySqlite } from "../store/sqlite-copy.ts";
import { type BackedUpFile, type BackupRecord, backedUpFiles, backupRecordBytes, recordFile } from "./backup-record.ts";
import { copiedFile, digestedFile } from "./copied-file.ts";

export interface BackupWanted {
  /** of the ledger; others may read and write it meanwhile */
  readonly folder: string;
  /** new or empty; best on another disk and in another place */
  readonly to: string;
  /** false: without the file of the ledger's keys, which is under a passphrase */
  readonly keys?: boolean;
  readonly now: Utc;
}

/**
 * Copies, looks through every page of the copy, and syncs; durable on return, and no backup (`backup.json` is missing) before. Private keys are only ever in it as the ledger keeps them: under
 * a passphrase. What signer and witnesses signed last is never in it: an older copy of that is what they must not go on from. Refuses STORE a folder with something in it, and a ledger's that
 * cannot be read; STORE-VERSION.
 */
export async function makeBackup({ folder, keys = true, now, to }: BackupWanted): Promise<BackupRecord> {
  if (serversOf(folder) !== undefined) {
    throw new Refusal("STORE", "this ledger's store is on PostgreSQL: nothing of it was backed up", {
      expected: "a backup by PostgreSQL's own means, and a copy of the ledger's folder (docs/ledger.md)",
      about: folder,
    });
  }
  checkEmpty(to, "a backup never goes over anything");
  await makeFolder(to);
  const state = await copySqlite(join(folder, storeFile), join(to, storeFile));
  chmodSync(join(to, storeFile), 0o600);
  const files: BackedUpFile[] = [];
  for (const path of backedUpFiles) {
    if (!keys && path.startsWith("signer/")) continue;
    const file = path === storeFile ? await digestedFile(to, path) : await copiedFile(folder, path, to);
    if (file) files.push(file);
  }
  const { origin, root, schema, signed, size } = state;
  const record: BackupRecord = { files, made: now, origin, root: hex(root), schema, signed, size };
  await syncTree(to);
  await writeDurable(join(to, recordFile), backupRecordBytes(record));
  return record;
}

/** Whether both lie on one file system, so that what takes one takes the other. */
export function onOneFileSystem(one: string, other: string): boolean {
  return statSync(one).dev === statSync(other).dev;
}
