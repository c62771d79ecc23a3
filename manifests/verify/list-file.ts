/** documents.jsonl as a stream: its digest, its Merkle root, its lines. */

import type { HashName } from "../cms/suite.ts";
import { hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { ListReader, listLines, type SealedDocument } from "../records/documents-list.ts";
import { leafHash, MerkleRoot } from "../records/merkle.ts";
import { Kept } from "./kept.ts";

export interface ReadList {
  readonly count: number;
  readonly bytes: number;
  /** SHA-256 of the file and RFC 9162 root of its lines, hex */
  readonly digest: string;
  readonly root: string;
  /** all of them, where the file is short enough; else it is read again */
  readonly entries: readonly SealedDocument[] | undefined;
}

/** Reads all lines, and keeps those of a file of at most `mostKept` bytes. Refuses JSON, SHAPE, DOCUMENT-NAME. */
export async function readListFile(host: Host, pieces: AsyncIterable<Uint8Array>, mostKept = 0): Promise<ReadList> {
  const file = host.hasher("sha256");
  const tree = new MerkleRoot(host);
  const reader = new ListReader();
  const kept = new Kept<SealedDocument>(mostKept);
  for await (const piece of pieces) {
    file.update(piece);
    kept.measure(piece);
    for (const { entry, leaf } of reader.push(piece)) {
      kept.add(entry);
      await tree.add(await leafHash(host, leaf));
    }
  }
  reader.end();
  const { count, bytes } = reader;
  const entries = kept.all;
  return { count, bytes, digest: hex(await file.digest()), root: hex(await tree.root()), entries };
}

/** The entries, as they are read. Throws what `readListFile` refuses. */
export async function* listEntries(pieces: AsyncIterable<Uint8Array>): AsyncIterable<SealedDocument> {
  const reader = new ListReader();
  for await (const piece of pieces) for (const { entry } of reader.push(piece)) yield entry;
  reader.end();
}

/** Digest of the file by any hash. Refuses SHAPE at the first line that is longer than a line of a list: no file that says only how long it is is read to its end. */
export async function listDigest(host: Host, hash: HashName, pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const file = host.hasher(hash);
  const lines = listLines();
  for await (const piece of pieces) {
    for (const _ of lines.push(piece));
    file.update(piece);
  }
  return file.digest();
}
