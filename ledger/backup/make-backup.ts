/** `coldseal ledger backup`: the store as it was at one moment, with what else of the ledger's folder it takes to go on. */

import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, syncTree, writeDurable } from "../../host/durable.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkEmpty, serversOf, storeFile } from "../ledger-folder.ts";
import type { PostgresSettings } from "../store/postgres-settings.ts";
import { copySqlite, type StoreState } from "../store/sqlite-copy.ts";
import {
  type BackedUpFile,
  type BackupRecord,
  backedUpFiles,
  backupRecordBytes,
  dumpFile,
  recordFile,
} from "./backup-record.ts";
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
 * Copies the store and looks through every page of the copy, or has pg_dump dump it where it is on PostgreSQL, and syncs; durable on return, and no backup (`backup.json` is missing) before. Private keys are only ever in it as the ledger keeps them: under
 * a passphrase. What signer and witnesses signed last is never in it: an older copy of that is what they must not go on from. Refuses STORE a folder with something in it, and a ledger's that
 * cannot be read; STORE-VERSION; CONFIG without pg_dump.
 */
export async function makeBackup({ folder, keys = true, now, to }: BackupWanted): Promise<BackupRecord> {
  const servers = serversOf(folder);
  checkEmpty(to, "a backup never goes over anything");
  await makeFolder(to);
  const store = servers === undefined ? await copied(folder, to) : await dumped(servers, folder, to);
  const files: BackedUpFile[] = [store.file];
  for (const path of backedUpFiles) {
    if (path === storeFile || path === dumpFile || (!keys && path.startsWith("signer/"))) continue;
    const file = await copiedFile(folder, path, to);
    if (file) files.push(file);
  }
  const { origin, root, schema, signed, size } = store.state;
  const record: BackupRecord = { files, made: now, origin, root: hex(root), schema, signed, size };
  await syncTree(to);
  await writeDurable(join(to, recordFile), backupRecordBytes(record));
  return record;
}

interface BackedUpStore {
  readonly state: StoreState;
  readonly file: BackedUpFile;
}

async function copied(folder: string, to: string): Promise<BackedUpStore> {
  const state = await copySqlite(join(folder, storeFile), join(to, storeFile));
  chmodSync(join(to, storeFile), 0o600);
  return { state, file: await readBack(to, storeFile) };
}

async function dumped(servers: PostgresSettings, folder: string, to: string): Promise<BackedUpStore> {
  const { dumpPostgres } = await import("../store/postgres-dump.ts");
  const { digest, state } = await dumpPostgres(servers, join(to, dumpFile), folder);
  const file = await readBack(to, dumpFile);
  if (file.digest === digest) return { state, file };
  throw new Refusal("STORE", "the dump that is there is not what was written: nothing was backed up", {
    expected: `SHA-256 ${digest}`,
    got: `SHA-256 ${file.digest}`,
    about: join(to, dumpFile),
  });
}

async function readBack(to: string, path: string): Promise<BackedUpFile> {
  const file = await digestedFile(to, path);
  if (file) return file;
  throw new Refusal("STORE", "what was copied is gone", { about: join(to, path) });
}

/** Whether both lie on one file system, so that what takes one takes the other. */
export function onOneFileSystem(one: string, other: string): boolean {
  return statSync(one).dev === statSync(other).dev;
}
