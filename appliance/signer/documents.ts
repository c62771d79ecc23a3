/** A request's list as rows: read a thousand at a time, so that no list is ever in memory as a whole. */

import { hex } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { compositionHasher, type IdentityHasher, identityHasher } from "../../manifests/records/identity.ts";
import type { ListedDocument } from "../../manifests/records/request.ts";
import { requestBytes } from "../../manifests/records/request-stream.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Batch } from "./batches.ts";
import type { Db } from "./store.ts";

export interface DocumentRow {
  /** counts from 1 */
  readonly index: number;
  readonly name: string;
  readonly digest: Uint8Array;
  readonly size: number;
}

const rowsAtOnce = 1000;

/** Documents of a request from index `from` on, in order, `limit` at most. */
export function documentsFrom(db: Db, request: number, from: number, limit: number): readonly DocumentRow[] {
  return db
    .prepare<[number, number, number], DocumentRow>(
      "SELECT idx AS 'index', name, digest, size FROM documents WHERE request = ? AND idx >= ? ORDER BY idx LIMIT ?",
    )
    .all(request, from, limit);
}

function* documentsOf(db: Db, request: number): Generator<DocumentRow> {
  for (let from = 1; ; from += rowsAtOnce) {
    const rows = documentsFrom(db, request, from, rowsAtOnce);
    yield* rows;
    if (rows.length < rowsAtOnce) return;
  }
}

/** The largest document of a request. */
export function largest(db: Db, request: number): ListedDocument {
  const row = db
    .prepare<[number], DocumentRow>(
      "SELECT name, digest, size FROM documents WHERE request = ? ORDER BY size DESC LIMIT 1",
    )
    .get(request);
  if (!row) throw new Refusal("STORE", `request ${request} has no list`);
  return { name: row.name, digest: hex(row.digest), size: row.size };
}

/** SEAL-ONCE identity of a stored list. Gives way to other work between pieces. */
export function listIdentity(host: Host, db: Db, request: number, submitter: string, batch: string) {
  return hashList(identityHasher(host, submitter, batch), db, request);
}

/** The batch digest of plain envelopes, from their stored list. Gives way to other work between pieces. */
export function listComposition(host: Host, db: Db, request: number, submitter: string) {
  return hashList(compositionHasher(host, submitter), db, request);
}

async function hashList(hasher: IdentityHasher, db: Db, request: number): Promise<Uint8Array> {
  for (const { index, name, digest, size } of documentsOf(db, request)) {
    hasher.add({ name, digest: hex(digest), size });
    if (index % rowsAtOnce === 0) await new Promise(setImmediate);
  }
  return hasher.end();
}

/**
 * Requires that the stored rows still are the list that the operators approved: written out again they have the batch digest.
 * Refuses with CHAIN.
 */
export async function checkRows(host: Host, db: Db, batch: Batch): Promise<void> {
  const digest = await digestOfRows(host, db, batch);
  if (hex(digest) !== hex(batch.batchDigest)) {
    throw new Refusal("CHAIN", "the stored list is not the one that was signed", { about: hex(batch.batchDigest) });
  }
}

async function digestOfRows(host: Host, db: Db, batch: Batch): Promise<Uint8Array> {
  if (batch.head.type === "plain-envelopes") {
    return listComposition(host, db, batch.id, hex(batch.submitterKey));
  }
  const hasher = host.hasher("sha256");
  for (const bytes of requestBytes(batch.head, listed(db, batch.id))) {
    hasher.update(bytes);
    await new Promise(setImmediate);
  }
  return hasher.digest();
}

function* listed(db: Db, request: number): Generator<ListedDocument> {
  for (const { name, digest, size } of documentsOf(db, request)) yield { name, digest: hex(digest), size };
}
