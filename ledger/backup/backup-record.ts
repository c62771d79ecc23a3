/** `backup.json`, which is written last: what the backup is of, and every file in it by digest. Without it a backup is none: it was cut short. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { faultWords } from "../../host/fault-words.ts";
import { canonicalBytes, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { hexText, integer, list, literal, object, type Read, text, utc } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";

/** Of a store on PostgreSQL: pg_dump's. */
export const dumpFile = "store.dump";

/** What a backup may hold, below it and, but for a dump, below the ledger's folder alike: the store's file, or a dump of it and where it was. Keys are in `signer/keys.json` under a passphrase, or on the token that `signer/token.json` names; what was signed last is not in it. */
export const backedUpFiles = [
  "store.sqlite",
  "store.dump",
  "postgres.json",
  "places.json",
  "witnesses.json",
  "signer/keys.json",
  "signer/token.json",
  "signer/acknowledgement.csr",
  "signer/acknowledgement.der",
] as const;

const readFiles = list(object({ digest: hexText(), path: text(200), size: integer(0) }), 1, backedUpFiles.length);

const readRecordShape = object({
  files: readFiles,
  made: utc,
  origin: text(255),
  /** of all `size` entries */
  root: hexText(),
  /** of the store's tables */
  schema: integer(1),
  /** entries of the newest checkpoint that was signed by then */
  signed: integer(0),
  size: integer(0),
  type: literal("ledger-backup"),
  version: literal(1),
});
export type BackupRecord = Omit<Read<typeof readRecordShape>, "type" | "version">;
export type BackedUpFile = BackupRecord["files"][number];

export const recordFile = "backup.json";
const longest = 64 * 1024;

export function backupRecordBytes(record: BackupRecord): Uint8Array {
  const files = record.files.map(({ digest, path, size }) => ({ digest, path, size }));
  return canonicalBytes({ ...record, files, type: "ledger-backup", version: 1 });
}

/** Refuses LEDGER-BACKUP a folder that holds no whole backup. */
export function readBackupRecord(from: string): BackupRecord {
  const path = join(from, recordFile);
  try {
    const bytes = new Uint8Array(readFileSync(path));
    if (bytes.length > longest) throw new Refusal("SHAPE", "the record is longer than any can be");
    const { type: _, version: __, ...record } = readRecordShape(readCanonical(bytes), recordFile);
    const names: readonly string[] = record.files.map(({ path }) => path);
    const allowed: readonly string[] = backedUpFiles;
    const other = names.find((path, at) => !allowed.includes(path) || names.indexOf(path) !== at);
    if (other !== undefined) throw new Refusal("SHAPE", `it names ${other}, which no backup has, or has once`);
    const [inFile, inDump, where] = ["store.sqlite", dumpFile, "postgres.json"].map((one) => names.includes(one));
    if (inFile === inDump || inDump !== where) throw new Refusal("SHAPE", "it names no store, or half of one");
    return record;
  } catch (fault) {
    const missing = (fault as NodeJS.ErrnoException).code === "ENOENT";
    const why = missing ? "it was cut short, or is none" : asRefusal(fault, "LEDGER-BACKUP", faultWords(fault)).message;
    throw new Refusal("LEDGER-BACKUP", `no whole backup is here: ${why}`, {
      expected: `a folder that \`coldseal ledger backup\` made, with ${recordFile}`,
      about: path,
      cause: fault,
    });
  }
}
