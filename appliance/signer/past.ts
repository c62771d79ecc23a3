/** What a store that was made anew still knows of the lost one: which batches were sealed, and the files that they were answered with. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { PlainHead } from "../../manifests/records/batch-head.ts";
import { ListReader } from "../../manifests/records/documents-list.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { FilesDigest } from "./files-digest.ts";
import type { Db } from "./store.ts";

const manifestFile = "manifest.p7m";
const listFile = "documents.jsonl";
const requestFile = "batch.p7m";

export interface PastFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The highest number of a manifest that is at hand of the lost store; 0: none. */
export function lastPast(db: Db): number {
  return db.prepare<[], number>("SELECT coalesce(max(number), 0) FROM recovered").pluck().get() as number;
}

/** The past manifest that sealed a batch of this identity. */
export function pastSealedAs(db: Db, identity: Uint8Array): number | undefined {
  return db
    .prepare<[Uint8Array], number>(
      "SELECT number FROM recovered WHERE identity = ? AND outcome = 'sealed' ORDER BY number DESC LIMIT 1",
    )
    .pluck()
    .get(identity);
}

/** Whether a past manifest of this number is at hand, and its receipt with it. */
export function pastManifest(
  db: Db,
  number: number,
): { readonly whole: boolean; readonly outcome: string } | undefined {
  const row = db
    .prepare<[number], { whole: number; outcome: string }>("SELECT whole, outcome FROM recovered WHERE number = ?")
    .get(number);
  return row && { ...row, whole: row.whole === 1 };
}

/** The files of a past receipt in its order. Refuses with SEAL-ONCE where not all of them were at hand. */
export function* pastReceipt(db: Db, number: number): Generator<PastFile> {
  if (!pastManifest(db, number)?.whole) {
    throw lostReceipt(number);
  }
  yield* filesOf(db, number);
}

/** Refuses with SEAL-ONCE where a past manifest sealed the batch and its receipt cannot be given again. */
export function checkReceipt(db: Db, number: number): void {
  if (pastManifest(db, number)?.whole === false) throw lostReceipt(number);
}

function lostReceipt(number: number): Refusal {
  return new Refusal(
    "SEAL-ONCE",
    `sealed as manifest ${number} before the disk was lost, and its receipt was not at hand`,
    {
      expected: "a copy of what the box gave out then",
      about: `manifest ${number}`,
    },
  );
}

/** Manifest, authorisation and list of a past manifest. */
export function* pastAudit(db: Db, number: number): Generator<PastFile> {
  for (const path of [manifestFile, "authorization.p7m", listFile]) {
    const bytes = fileOf(db, number, path);
    if (bytes) yield { path, bytes };
  }
}

/** The signed request of a past manifest, where it is at hand. */
export function* pastRequest(db: Db, number: number): Generator<PastFile> {
  const bytes = fileOf(db, number, requestFile);
  if (bytes) yield { path: requestFile, bytes };
}

/** Plain envelopes have no head that was signed: what stands for it, by what the past manifest says. */
export function pastPlainHead(db: Db, number: number): PlainHead | undefined {
  const p7m = fileOf(db, number, manifestFile);
  if (!p7m) return undefined;
  const { created, documents, mode } = readManifest(readSignedData(p7m).content ?? new Uint8Array(0));
  return { digestAlgorithm: documents.digestAlgorithm, expires: created, mode, type: "plain-envelopes", version: 1 };
}

/** Of the next manifest and what it follows, where the store was made anew by an order of the quorum; by the journal's first row. */
export function goesOn(db: Db): { readonly next: number; readonly order: string } | undefined {
  const first = db
    .prepare<[], { kind: string; record: string }>("SELECT kind, record FROM journal ORDER BY sequence LIMIT 1")
    .get();
  if (first?.kind !== "recovered") return undefined;
  const { next, order } = JSON.parse(first.record) as { next: number; order: string };
  return { next, order };
}

/** Every past manifest is as the journal tells, with all its files. Gives how many. Gives way to other work. Refuses with CHAIN. */
export async function verifyPast(db: Db): Promise<number> {
  const told = db
    .prepare<[], string>("SELECT record FROM journal WHERE kind = 'recovered-manifest' ORDER BY sequence")
    .pluck()
    .all()
    .map((record) => JSON.parse(record) as Told);
  const held = db.prepare<[], Row>("SELECT * FROM recovered ORDER BY number").all();
  for (const { number, digest, emergency = "", files, identity, outcome, whole } of told) {
    const row = held.find((one) => one.number === number);
    const same =
      row?.outcome === outcome &&
      hex(row.content_digest) === digest &&
      hex(row.identity) === identity &&
      hex(row.emergency ?? new Uint8Array(0)) === emergency;
    if (!same || (row.whole === 1) !== whole || digestFiles(db, number) !== files) throw changed(number);
    if (outcome === "sealed") checkDocuments(db, number);
    await new Promise(setImmediate);
  }
  const extra = held.find(({ number }) => !told.some((one) => one.number === number));
  if (extra) throw changed(extra.number);
  return held.length;
}

/** The rows that earlier seals are found by are those of the list. */
function checkDocuments(db: Db, number: number): void {
  const list = fileOf(db, number, listFile);
  const lines = list ? new ListReader().push(list) : [];
  const rows = db
    .prepare<[number], { idx: number; digest: Uint8Array }>(
      "SELECT idx, digest FROM recovered_documents WHERE number = ? ORDER BY idx",
    )
    .all(number);
  const same =
    rows.length === lines.length &&
    lines.every(({ entry }, at) => rows[at]?.idx === entry.index && hex(rows[at].digest) === entry.digest);
  if (!same) throw changed(number);
}

interface Told {
  readonly whole: boolean;
  readonly number: number;
  readonly digest: string;
  readonly emergency?: string;
  readonly files: string;
  readonly identity: string;
  readonly outcome: string;
}

interface Row {
  readonly whole: number;
  readonly number: number;
  readonly identity: Uint8Array;
  readonly outcome: string;
  readonly emergency: Uint8Array | null;
  readonly content_digest: Uint8Array;
}

function digestFiles(db: Db, number: number): string {
  const digest = new FilesDigest();
  for (const { path, bytes } of filesOf(db, number)) digest.add(path, bytes);
  return digest.end();
}

function fileOf(db: Db, number: number, path: string): Uint8Array | undefined {
  return db
    .prepare<[number, string], Uint8Array>("SELECT bytes FROM recovered_files WHERE number = ? AND path = ?")
    .pluck()
    .get(number, path);
}

function filesOf(db: Db, number: number): IterableIterator<PastFile> {
  return db
    .prepare<[number], PastFile>("SELECT path, bytes FROM recovered_files WHERE number = ? ORDER BY position")
    .iterate(number);
}

function changed(number: number): Refusal {
  return new Refusal("CHAIN", `past manifest ${number} or a file of it was changed`, { about: `manifest ${number}` });
}
