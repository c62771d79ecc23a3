/**
 * `coldseal ledger restore`: a ledger anew out of a backup, held against whatever is left that others have seen of its log. Nothing is signed by it before a person said, by `forward`, which
 * checkpoint is the newest: a ledger that went on from an older state would sign a second history.
 */

import { existsSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { removeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { byLog } from "../../manifests/log/checkpoint.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkLedger, type LedgerCheck } from "../check/check-ledger.ts";
import { readWitnessSettings } from "../checkpoints/witness-settings.ts";
import { logKeyOf, signerFolder } from "../client/open-signer.ts";
import { begunFolder, onlyMaker, wholeFolder } from "../keys/new-folder.ts";
import { checkEmpty, type Ledger, openLedger, storeFile } from "../ledger-folder.ts";
import { formerHead } from "../log/proofs.ts";
import { treeHead } from "../log/tree-head.ts";
import type { Place } from "../publish/place.ts";
import { placesOf } from "../publish/places.ts";
import { keyFile } from "../signer/key-record.ts";
import type { PostgresSettings } from "../store/postgres-settings.ts";
import { schemaVersion } from "../store/schema.ts";
import { upgradeSqlite } from "../store/sqlite.ts";
import { storeState } from "../store/sqlite-copy.ts";
import { adoptCheckpoints } from "./adopt-checkpoints.ts";
import { type BackupRecord, dumpFile, readBackupRecord } from "./backup-record.ts";
import { copyExactly } from "./copied-file.ts";
import { bringPlaces, type PlaceState, stateOf } from "./restored-places.ts";
import { type Shown, shownByWitness, shownInPlace } from "./shown-elsewhere.ts";
import { stoppedSigner } from "./stopped-signer.ts";

export interface RestoreWanted {
  readonly from: string;
  /** new or empty */
  readonly folder: string;
  /** absolute paths: where it publishes from now on, in place of what the backup says; each is one of this log's that is left, or an empty folder */
  readonly publish?: readonly string[];
  /** where the counter of what was signed is kept; in the folder unless said */
  readonly counter?: string;
  /** of a backup with a dump: where its schema shall be made, or was restored before; where it was unless said */
  readonly postgres?: PostgresSettings;
  /** told where a dump was loaded, which stays there whatever comes */
  readonly onLoaded?: (where: string) => void;
  /** also an older backup than what was published, and one that does not hold: without keys, so that nothing can be signed by it */
  readonly forReading?: boolean;
}

export interface Restored {
  readonly backup: BackupRecord;
  /** how its store came: the backup's file; its dump, loaded into a database; or a schema that was restored there before */
  readonly store: "copied" | "loaded" | "there";
  /** the version of the schema that the store was brought up from, else null */
  readonly upgraded: number | null;
  readonly places: readonly { readonly name: string; readonly state: PlaceState }[];
  /** what the places that are left and the witnesses show */
  readonly shown: readonly Shown[];
  /** entries that others were shown, and that this backup has not: their openings are lost with it */
  readonly missing: { readonly from: number; readonly to: number } | null;
  readonly check: LedgerCheck;
  /** whether it has keys, and so can go on after `forward` */
  readonly keys: boolean;
}

/**
 * The folder is there whole or not at all, also where this is killed; a dump that was loaded stays loaded. Refuses STORE a folder with something in it; BUSY where another process restores beside it; LEDGER-BACKUP a backup that is not whole or was changed, and, but for reading, one
 * that is older than what others were shown; LOG-RECORD, but for reading, where something of it does not hold, or others were shown another history.
 */
export async function restoreBackup(wanted: RestoreWanted): Promise<Restored> {
  const { forReading = false, from } = wanted;
  const folder = resolve(wanted.folder);
  const backup = readBackupRecord(from);
  return onlyMaker(folder, async () => {
    checkEmpty(folder, "a ledger is never overwritten");
    checkNothingBegun(folder);
    if (existsSync(folder)) await removeEmpty(folder);
    let restored: Restored | undefined;
    try {
      await wholeFolder(folder, async (begun) => {
        restored = await restoreInto(begun, backup, { ...wanted, folder });
        if (!forReading) checkWhole(restored.check);
      });
    } catch (fault) {
      await removeDurable(begunFolder(folder));
      throw fault;
    }
    if (!restored) throw new Refusal("INTERNAL", "nothing was restored");
    return restored;
  });
}

/** The ledger is made beside its place, and what is there may be somebody's. */
function checkNothingBegun(folder: string): void {
  const begun = begunFolder(folder);
  if (!existsSync(begun)) return;
  throw new Refusal("STORE", "there is something where the ledger would be made before it is moved to its place", {
    expected: "nothing there: what a restore left that was cut short may be removed",
    about: begun,
  });
}

/** Refuses STORE what cannot be replaced by a folder that is moved there, as where a file system is mounted. */
async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (cause) {
    throw new Refusal("STORE", `the folder cannot be replaced: ${faultWords(cause)}`, {
      expected: "where a file system is mounted, a new folder below it",
      about: folder,
      cause,
    });
  }
}

async function restoreInto(begun: string, backup: BackupRecord, wanted: RestoreWanted): Promise<Restored> {
  const { counter, folder, forReading = false, from } = wanted;
  await copyAll(from, begun, backup, !forReading);
  await bringPlaces(begun, wanted, backup.origin);
  const log = await logKey(begun);
  const { store, upgraded } = await bringStore(begun, backup, log, wanted);
  const ledger = await openLedger(begun);
  try {
    const size = await checkHolds(ledger, backup);
    const places = placesOf(ledger);
    const shown = await allShown(ledger, places, log);
    const missing = missingIn(size, shown);
    if (!forReading) checkOthers(shown, missing, size);
    const left = comparable(places, shown, size);
    const same = left.filter(({ name }) => shown.every(({ other, where }) => where !== name || !other));
    if (log) await adoptCheckpoints(ledger.db, same, log);
    if (log) await stoppedSigner(ledger, log, backup, counter);
    return {
      backup,
      store,
      upgraded,
      places: places.map(({ name }) => ({
        name: name.replace(`${begun}/`, `${folder}/`),
        state: stateOf(name, shown),
      })),
      shown: shown.map((one) => ({ ...one, where: one.where.replace(`${begun}/`, `${folder}/`) })),
      missing,
      check: await checkLedger(ledger, left, log ? { trust: byLog(log) } : {}),
      keys: log !== undefined,
    };
  } finally {
    ledger.close();
  }
}

/** Each by the digest that the record names; a dump only where it is loaded. */
async function copyAll(from: string, to: string, { files }: BackupRecord, keys: boolean): Promise<void> {
  for (const wanted of files) {
    if (wanted.path === dumpFile || (!keys && wanted.path.startsWith("signer/"))) continue;
    await copyExactly(from, wanted, to);
  }
}

type CameBy = Pick<Restored, "store" | "upgraded">;

/** What speaks to servers is loaded only where the backup is of a store there. */
async function bringStore(
  begun: string,
  backup: BackupRecord,
  log: VerifierKey | undefined,
  wanted: RestoreWanted,
): Promise<CameBy> {
  if (backup.files.some(({ path }) => path === dumpFile)) {
    const { bringSchema } = await import("./restored-schema.ts");
    return bringSchema(begun, backup, { ...wanted, checkFirst: () => checkNotOlder(begun, backup, log, wanted) });
  }
  if (wanted.postgres !== undefined) {
    throw new Refusal("USAGE", "the backup is of a store in the ledger's folder", { expected: "no --postgres" });
  }
  const store = join(begun, storeFile);
  checkState(store, backup);
  return { store: "copied", upgraded: backup.schema < schemaVersion ? upgradeSqlite(store) : null };
}

/** What others show is known without the store, which is not loaded for nothing. */
async function checkNotOlder(
  folder: string,
  { origin, size }: BackupRecord,
  log: VerifierKey | undefined,
  { forReading = false }: RestoreWanted,
): Promise<void> {
  if (forReading) return;
  const own = { folder, origin };
  const shown = await allShown(own, placesOf(own), log);
  checkOthers(shown, missingIn(size, shown), size);
}

/** The record must say what the store says; both were written by the same command. */
function checkState(path: string, backup: BackupRecord): void {
  const { origin, root, schema, signed, size } = storeState(path);
  const said = `log ${backup.origin}, ${backup.size} entries, ${backup.signed} signed, version ${backup.schema}, root ${backup.root}`;
  const got = `log ${origin}, ${size} entries, ${signed} signed, version ${schema}, root ${hex(root)}`;
  if (said === got) return;
  throw new Refusal("LEDGER-BACKUP", "the backup's record says something else than its store", { expected: said, got });
}

/** How many entries the store has: all that the record says, or more where it was restored to a later moment. */
async function checkHolds({ db, origin }: Ledger, backup: BackupRecord): Promise<number> {
  const [has, then] = await db.settled(async (sql) => {
    const head = await treeHead(sql);
    return [head, head.size < backup.size ? head : await formerHead(sql, backup.size)] as const;
  });
  if (origin === backup.origin && then.size === backup.size && hex(then.root) === backup.root) return has.size;
  throw new Refusal("LEDGER-BACKUP", "the store that is there does not hold what the backup does", {
    expected: `log ${backup.origin}, its first ${backup.size} entries with root ${backup.root}`,
    got: `log ${origin}, ${has.size} entries, root of ${then.size} ${hex(then.root)}`,
  });
}

async function logKey(folder: string): Promise<VerifierKey | undefined> {
  if (!existsSync(keyFile(signerFolder(folder)))) return undefined;
  return logKeyOf(folder);
}

async function allShown(
  ledger: Pick<Ledger, "folder" | "origin"> & Partial<Pick<Ledger, "db">>,
  places: readonly Place[],
  log: VerifierKey | undefined,
): Promise<readonly Shown[]> {
  const { witnesses } = log ? await readWitnessSettings(ledger.folder, log) : { witnesses: [] };
  return Promise.all([
    ...places.map((place) => shownInPlace(ledger, place, log)),
    ...(log ? witnesses.map((one) => shownByWitness(ledger, one, log)) : []),
  ]);
}

function missingIn(size: number, shown: readonly Shown[]): Restored["missing"] {
  const largest = Math.max(0, ...shown.map((one) => (one.other ? 0 : (one.size ?? 0))));
  return largest > size ? { from: size, to: largest - 1 } : null;
}

/** Not one that shows nothing, which the next publishing fills, nor one that shows more than the store has, which is told by its entries. */
function comparable<T extends Place>(places: readonly T[], shown: readonly Shown[], size: number): readonly T[] {
  return places.filter(({ name }) => {
    const at = shown.find(({ where }) => where === name)?.size ?? 0;
    return at > 0 && at <= size;
  });
}

/** Refuses LOG-RECORD, LEDGER-BACKUP. */
function checkOthers(shown: readonly Shown[], missing: Restored["missing"], size: number): void {
  const other = shown.find((one) => one.other);
  if (other) {
    throw new Refusal("LOG-RECORD", "others were shown another history than the backup holds: nothing was restored", {
      expected: "checkpoints of the backup's own tree",
      got: `${other.where}: ${other.why}`,
      about: other.where,
    });
  }
  if (missing === null) return;
  throw new Refusal("LEDGER-BACKUP", "the backup is older than what others were shown: nothing was restored", {
    expected: `a backup of at least ${missing.to + 1} entries`,
    got: `one of ${size}: entries ${missing.from} to ${missing.to} were published, and what opens them is not in it`,
  });
}

/** Refuses LOG-RECORD. */
function checkWhole({ count, findings: [finding] }: LedgerCheck): void {
  if (!finding) return;
  throw new Refusal("LOG-RECORD", `the backup does not hold (${count} findings): nothing was restored`, {
    expected: "what was appended",
    got: `${finding.where}: ${finding.what}`,
  });
}
