/** Records as the log takes them: salt drawn, leaf made. It is what costs time of an append and needs no store, so that a thread can do it. */

import { randomBytes } from "node:crypto";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { concat, fromUtf8, utf8 } from "../../manifests/encoding/bytes.ts";
import { type EntryType, leafOver, saltBytes, type WrittenRecord } from "../../manifests/log/entry.ts";
import { leafHash } from "../../manifests/records/merkle.ts";

export class SaltedRecord {
  readonly type: EntryType;
  /** canonical JSON */
  readonly record: string;
  /** SHA-256 of that: what the same record is known by */
  readonly content: Uint8Array;
  /** new, and nowhere used if the record is in the log already */
  readonly salt: Uint8Array;
  /** RFC 9162 hash of the leaf under this salt */
  readonly leaf: Uint8Array;

  constructor(type: EntryType, record: string, content: Uint8Array, salt: Uint8Array, leaf: Uint8Array) {
    this.type = type;
    this.record = record;
    this.content = content;
    this.salt = salt;
    this.leaf = leaf;
  }
}

export async function saltRecords(written: readonly WrittenRecord[]): Promise<readonly SaltedRecord[]> {
  const salts = new Uint8Array(randomBytes(saltBytes * written.length));
  const all: SaltedRecord[] = [];
  for (const { bytes, type } of written) {
    const salt = salts.slice(all.length * saltBytes, (all.length + 1) * saltBytes);
    const leaf = await leafHash(nodeHost, await leafOver(nodeHost, salt, type, bytes));
    all.push(new SaltedRecord(type, fromUtf8(bytes), sha256(bytes), salt, leaf));
  }
  return all;
}

/** Records of one type in two pieces of memory, which go to another thread much faster than many values do. */
export interface PackedRecords {
  readonly type: EntryType;
  /** canonical JSON, which has no line feed in it; one follows each */
  readonly lines: Uint8Array;
  /** content, salt and leaf of each */
  readonly hashes: Uint8Array;
}

const hashBytes = 32;

/** The records of a manifest's seals, made of a copy of its list; both by their digest, in hex. */
export interface SaltedSeals<Records = readonly SaltedRecord[]> {
  readonly manifest: string;
  readonly list: string;
  readonly records: Records;
}

/** Packs some at a time. */
export class RecordPacker {
  readonly #lines: Uint8Array[] = [];
  readonly #hashes: Uint8Array[] = [];

  add(records: readonly SaltedRecord[]): void {
    if (records.length === 0) return;
    this.#lines.push(utf8(`${records.map(({ record }) => record).join("\n")}\n`));
    this.#hashes.push(concat(records.flatMap(({ content, leaf, salt }) => [content, salt, leaf])));
  }

  packed(type: EntryType): PackedRecords {
    return { type, lines: concat(this.#lines), hashes: concat(this.#hashes) };
  }
}

export function unpackRecords({ hashes, lines, type }: PackedRecords): readonly SaltedRecord[] {
  const records = fromUtf8(lines).split("\n").slice(0, -1);
  return records.map((record, at) => {
    const [content, salt, leaf] = [0, 1, 2].map((part) => {
      const from = (at * 3 + part) * hashBytes;
      return hashes.subarray(from, from + hashBytes);
    }) as [Uint8Array, Uint8Array, Uint8Array];
    return new SaltedRecord(type, record, content, salt, leaf);
  });
}
