/** Keeping a manifest that holds by itself: its row, its files, the documents of its list and, where an outbox brought them, its seals. Within one transaction. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { BundlePlace } from "../../host/packed-bundle.ts";
import { PackedFiles } from "../../host/packed-files.ts";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type ListLine, ListReader, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { type Manifest, manifestBytes } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { SaltedSeals } from "../log/salted-records.ts";
import type { Sql } from "../store/database.ts";
import { nextId } from "./chain-rows.ts";
import { evidencePieces, keepFile } from "./evidence.ts";

/** A private copy of a record, verified: its seals are packed. */
export interface HeldRecord {
  readonly copy: BundlePlace;
  readonly manifest: Manifest;
  /** SHA-256 of the content, hex */
  readonly digest: string;
  readonly seals: boolean;
  /** what its list says, where it is short: it need not be read again */
  readonly listed?: readonly SealedDocument[] | undefined;
  /** the records of its seals, where they are made meanwhile; it does not reject */
  readonly salted?: Promise<SaltedSeals | undefined> | undefined;
}

export const listPath = "documents.jsonl";

/** Keeps one that is not here; gives its row. */
export async function keepManifest(sql: Sql, box: number, record: HeldRecord, now: Utc): Promise<number> {
  const row = await nextId(sql, "box_manifests", "manifest");
  const cells = { manifest: row, box, arrived: now, ...cellsOf(record) };
  await sql.insert("box_manifests", Object.keys(cells), [Object.values(cells)]);
  await keepFiles(sql, row, record.copy.folder);
  await keepLines(sql, row, record, async (lines) => {
    const documents = lines.map(({ digest, index }) => [row, index, fromHex(digest)] as const);
    await sql.insert("box_documents", ["manifest", "idx", "digest"], documents);
  });
  if (record.seals) await addVerified(sql, row, now);
  return row;
}

/** An outbox brings the seals, and what else a bundle has, of one that is known by its digests. False: they were here. */
export async function completeManifest(sql: Sql, row: number, record: HeldRecord, now: Utc): Promise<boolean> {
  if (!record.seals || (await hasSeals(sql, row))) return false;
  await keepFiles(sql, row, record.copy.folder);
  await keepLines(sql, row, record, async () => undefined);
  await addVerified(sql, row, now);
  return true;
}

export async function hasSeals(sql: Sql, row: number): Promise<boolean> {
  return (await sql.get("SELECT arrived FROM seals_verified WHERE manifest = ?", row)) !== undefined;
}

/** The lines of documents.jsonl of a manifest that is kept, some at a time. */
export async function* listLines(sql: Sql, row: number): AsyncGenerator<readonly ListLine[]> {
  const file = await fileOf(sql, row, listPath);
  if (!file) throw new Refusal("STORE", "a manifest's list is not in the store", { about: listPath });
  const reader = new ListReader();
  for await (const piece of evidencePieces(sql, file)) yield reader.push(piece);
  reader.end();
}

async function* listEntries(sql: Sql, row: number): AsyncGenerator<readonly SealedDocument[]> {
  for await (const lines of listLines(sql, row)) yield lines.map(({ entry }) => entry);
}

/** Digest of a manifest's file. */
export async function fileOf(sql: Sql, row: number, path: string): Promise<Uint8Array | undefined> {
  const found = await sql.get<{ file: Uint8Array }>(
    "SELECT file FROM manifest_files WHERE manifest = ? AND path = ?",
    row,
    path,
  );
  return found?.file;
}

/** What the row of a manifest says of it, by column. */
export function cellsOf({ digest, manifest }: Pick<HeldRecord, "digest" | "manifest">) {
  const { authorization, created, documents, emergency, keys, mode, number, outcome, policy, previous, request } =
    manifest;
  return {
    number,
    digest: fromHex(digest),
    previous: fromHex(previous),
    created,
    mode,
    outcome,
    documents: documents.count,
    sealed: documents.sealed,
    policy: fromHex(policy.digest),
    policy_number: policy.number,
    identity: fromHex(request.identity),
    nonce: fromHex(authorization.nonce),
    sealing_key: fromHex(keys.sealing.key),
    emergency: emergency ? fromHex(emergency.order) : null,
    content: manifestBytes(manifest),
  };
}

/** All files but the seals, each once; what is kept of another copy stays. */
async function keepFiles(sql: Sql, row: number, folder: string): Promise<void> {
  for (const path of filesIn(folder)) {
    if (await fileOf(sql, row, path)) continue;
    await sql.insert(
      "manifest_files",
      ["manifest", "path", "file"],
      [[row, path, await keepFile(sql, join(folder, path))]],
    );
  }
}

function filesIn(folder: string, below = ""): readonly string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? filesIn(folder, path) : [path];
  });
}

/** Keeps the seals where the record brings them and they count, and `beside` whatever else there is of each line: the list is read once. */
async function keepLines(
  sql: Sql,
  row: number,
  { copy, listed, manifest, seals }: HeldRecord,
  beside: (lines: readonly SealedDocument[]) => Promise<void>,
): Promise<void> {
  const files = seals && manifest.outcome !== "aborted" && copy.packed ? new PackedFiles(copy.packed) : undefined;
  try {
    for await (const lines of listed ? [listed] : listEntries(sql, row)) {
      await beside(lines);
      if (files) await sql.insert("box_seals", ["manifest", "idx", "bytes"], sealRows(row, files, lines));
    }
  } finally {
    files?.close();
  }
}

async function addVerified(sql: Sql, row: number, now: Utc): Promise<void> {
  await sql.insert("seals_verified", ["manifest", "arrived"], [[row, now]]);
}

/** Refuses STORE where one that was verified is not there any more. */
function* sealRows(row: number, files: PackedFiles, lines: readonly SealedDocument[]) {
  for (const { index, seal } of lines) {
    const bytes = files.read(seal);
    if (!bytes) throw new Refusal("STORE", "a seal is not in the private copy", { about: seal });
    yield [row, index, bytes] as const;
  }
}
