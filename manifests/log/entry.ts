/**
 * A log's entries. A leaf says the type and a salted digest, nothing else: who has the log alone learns of a record only that there is one. The record and
 * its salt (the opening) are kept beside the log and given to whom they concern.
 */

import { concat, fromHex, hex, utf8 } from "../encoding/bytes.ts";
import { canonical, canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import { hexText, integer, literal, object, oneOf, type Read, type Reader, text } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { type ListLine, readListEntry } from "../records/documents-list.ts";
import { Refusal } from "../refusal.ts";

/** Of a leaf. */
export const mostEntryBytes = 1024;
/** Of a record: a line of documents.jsonl has 4096 at most. */
export const mostRecordBytes = 8192;
export const saltBytes = 32;

export const entryTypes = ["seal", "manifest", "refusal", "closing", "transcript", "custody", "decision"] as const;
export type EntryType = (typeof entryTypes)[number];

const readEntryShape = object({
  /** SHA-256(salt || canonical JSON of the record) */
  digest: hexText(),
  type: oneOf(entryTypes),
  version: literal(1),
});
export type LogEntry = Read<typeof readEntryShape>;

/** What every record has: the box, by its name and the digest of its genesis policy, as two boxes may have one name. */
const box = { appliance: text(64), genesis: hexText(), version: literal(1) };
const withDigest = <const T extends EntryType>(type: T) => object({ ...box, digest: hexText(), type: literal(type) });

/** `digest` is of the record's content: eContent where it is signed, else the file's bytes. */
const readers = {
  /** `line` of documents.jsonl as an object, `manifest` the digest of its manifest's content */
  seal: object({ ...box, line: readListEntry, manifest: hexText(), number: integer(1), type: literal("seal") }),
  manifest: object({ ...box, digest: hexText(), number: integer(1), type: literal("manifest") }),
  refusal: withDigest("refusal"),
  closing: withDigest("closing"),
  transcript: withDigest("transcript"),
  custody: withDigest("custody"),
  /** `number` of the manifest that it decides about */
  decision: object({ ...box, digest: hexText(), number: integer(1), type: literal("decision") }),
} as const satisfies Record<EntryType, Reader<unknown>>;

export type LogRecord = { readonly [T in EntryType]: Read<(typeof readers)[T]> }[EntryType];
export type SealRecord = Read<typeof readers.seal>;
export type ManifestRecord = Read<typeof readers.manifest>;

const readType = oneOf(entryTypes);

/** Reads a record out of JSON that is parsed already, at `path`. Refuses SHAPE, DOCUMENT-NAME. */
export const readRecordValue: Reader<LogRecord> = (value, path) => {
  const type = typeof value === "object" && value !== null && "type" in value ? (value.type as Json) : undefined;
  return readers[readType(type, `${path}.type`)](value, path);
};

/** Reads a record. Refuses LOG-FORM what is not canonical JSON of a record, or over 8 KiB. */
export function readRecord(bytes: Uint8Array): LogRecord {
  checkLength(bytes);
  return inLogForm("a log's record", () => readRecordValue(readCanonical(bytes), "record"));
}

/** A record as its canonical JSON: what this file wrote, and so holds. */
export class WrittenRecord {
  readonly type: EntryType;
  readonly bytes: Uint8Array;

  private constructor(type: EntryType, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }

  /** Refuses LOG-FORM what `readRecord` would not read. */
  static of(record: LogRecord): WrittenRecord {
    return new WrittenRecord(record.type, recordBytes(record));
  }

  /** Those of the seals of one manifest, whose own record is taken; each line is in its canonical form already, as its reader makes sure. */
  static ofSeals({ appliance, genesis, manifest, number }: OfManifest): (line: ListLine) => WrittenRecord {
    const front = utf8(`${canonical({ appliance, genesis }).slice(0, -1)},"line":`);
    const back = utf8(`,${canonical({ manifest, number, type: "seal", version: 1 }).slice(1)}`);
    return ({ leaf }) => new WrittenRecord("seal", concat([front, leaf, back]));
  }
}

/** What the records of a manifest's seals have in common. */
export type OfManifest = Pick<SealRecord, "appliance" | "genesis" | "manifest" | "number">;

/** A record's canonical JSON. Refuses LOG-FORM what `readRecord` would not read. */
export function recordBytes(record: LogRecord): Uint8Array {
  return inLogForm("a log's record", () => {
    const bytes = canonicalBytes(record as Json);
    checkLength(bytes);
    readRecordValue(record as Json, "record");
    return bytes;
  });
}

function checkLength(record: Uint8Array): void {
  if (record.length > mostRecordBytes)
    throw new Refusal("LOG-FORM", `a log's record is longer than ${mostRecordBytes} bytes`);
}

/** Reads a leaf. Refuses LOG-FORM what is not canonical JSON of an entry, or over 1 KiB. */
export function readEntry(bytes: Uint8Array): LogEntry {
  if (bytes.length > mostEntryBytes)
    throw new Refusal("LOG-FORM", `a log's entry is longer than ${mostEntryBytes} bytes`);
  return inLogForm("a log's entry", () => readEntryShape(readCanonical(bytes), "entry"));
}

/** The leaf of a record under its salt. Refuses LOG-FORM a salt that is not 32 bytes, and what `recordBytes` refuses. */
export async function entryBytes(host: Host, salt: Uint8Array, record: LogRecord): Promise<Uint8Array> {
  return leafOver(host, salt, record.type, recordBytes(record));
}

/** The same, where the record's bytes (`recordBytes`) are at hand. Refuses LOG-FORM a salt that is not 32 bytes. */
export async function leafOver(host: Host, salt: Uint8Array, type: EntryType, record: Uint8Array): Promise<Uint8Array> {
  if (salt.length !== saltBytes) {
    throw new Refusal("LOG-FORM", "a salt is of another length", {
      expected: `${saltBytes} bytes`,
      got: `${salt.length} bytes`,
    });
  }
  const digest = await host.digest("sha256", concat([salt, record]));
  return utf8(`{"digest":"${hex(digest)}","type":"${type}","version":1}`); // canonical: no name or value needs more
}

/** Digest of a record without salt: what the same content is known by. Never published: who guesses a record could find it by this. */
export async function contentDigest(host: Host, record: LogRecord): Promise<Uint8Array> {
  return host.digest("sha256", recordBytes(record));
}

/** Salt and record as they travel: who holds them can show that a leaf is theirs. */
export const openingShape = { record: readRecordValue, salt: hexText(saltBytes) };
export const readOpening = object(openingShape);
export type Opening = Read<typeof readOpening>;

/** The leaf that an opening opens. */
export function openedEntry(host: Host, { record, salt }: Opening): Promise<Uint8Array> {
  return entryBytes(host, fromHex(salt), record);
}

/** Whatever JSON, SHAPE or names say, under the one code that readers of a log know. */
export function inLogForm<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    const { expected, got, message } = fault;
    throw new Refusal("LOG-FORM", `${what} is not in its form: ${message}`, {
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
      cause: fault,
    });
  }
}
