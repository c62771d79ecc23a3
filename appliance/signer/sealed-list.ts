/** `documents.jsonl` of a manifest, line by line from the stored signatures; the same lines every time. */

import { hex } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { listLine, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { leafHash, MerkleRoot } from "../../manifests/records/merkle.ts";
import { sealPath } from "../../manifests/records/names.ts";
import type { Db } from "./store.ts";

export interface SealedRow {
  readonly entry: SealedDocument;
  readonly signerInfo: Uint8Array;
}

const rowsAtOnce = 500;

/** Sealed documents of a manifest number in order, with their SignerInfos. */
export function* sealedRows(db: Db, number: number): Generator<SealedRow> {
  const read = db.prepare<[number, number, number], Row>(
    `SELECT d.idx AS 'index', d.name, d.digest, d.size, s.seal_digest AS sealDigest, s.signer_info AS signerInfo
     FROM signatures s JOIN reservations r USING (number) JOIN documents d ON d.request = r.request AND d.idx = s.idx
     WHERE s.number = ? AND s.idx >= ? ORDER BY s.idx LIMIT ?`,
  );
  for (let from = 1; ; ) {
    const rows = read.all(number, from, rowsAtOnce);
    for (const row of rows) yield { entry: entryOf(row), signerInfo: row.signerInfo };
    if (rows.length < rowsAtOnce) return;
    from = (rows.at(-1) as Row).index + 1;
  }
}

interface Row {
  readonly index: number;
  readonly name: string;
  readonly digest: Uint8Array;
  readonly size: number;
  readonly sealDigest: Uint8Array;
  readonly signerInfo: Uint8Array;
}

function entryOf({ index, name, digest, size, sealDigest }: Row): SealedDocument {
  return { digest: hex(digest), index, name, seal: sealPath(index, name), sealDigest: hex(sealDigest), size };
}

/** The lines, each with its LF. */
export function* listLines(db: Db, number: number): Generator<Uint8Array> {
  for (const { entry } of sealedRows(db, number)) yield listLine(entry);
}

export interface ListDigests {
  readonly count: number;
  /** SHA-256 of the file */
  readonly digest: Uint8Array;
  /** RFC 9162 root over the lines without LF */
  readonly root: Uint8Array;
  /** length of the file */
  readonly length: number;
}

/** Digests of the list. Gives way to other work between pieces. */
export async function digestList(host: Host, db: Db, number: number): Promise<ListDigests> {
  const hasher = host.hasher("sha256");
  const tree = new MerkleRoot(host);
  let length = 0;
  for (const { entry } of sealedRows(db, number)) {
    const line = listLine(entry);
    hasher.update(line);
    await tree.add(await leafHash(host, line.subarray(0, line.length - 1)));
    length += line.length;
    if (tree.count % rowsAtOnce === 0) await new Promise(setImmediate);
  }
  return { count: tree.count, digest: await hasher.digest(), root: await tree.root(), length };
}
