/** Plain envelopes in the store, row by row: the list of a bundle, and what was verified when they came, verified again. */

import { sha256 } from "../../host/crypto-host.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { fileHeader } from "../../manifests/encoding/file-stream.ts";
import type { Host } from "../../manifests/host.ts";
import { envelopePath } from "../../manifests/records/names.ts";
import { EnvelopeBatch } from "../../manifests/records/plain-envelope.ts";
import { plainListLine, plainListPath } from "../../manifests/records/plain-list.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Certificate } from "../../manifests/x509/certificate.ts";
import type { Batch } from "./batches.ts";
import type { Db } from "./store.ts";

const rowsAtOnce = 100;

export interface EnvelopeRow {
  /** counts from 1 */
  readonly index: number;
  /** of the document; with `file` and `size` as intake reported it */
  readonly name: string;
  readonly digest: Uint8Array;
  readonly size: number;
  readonly file: string;
  /** the envelope without content */
  readonly bytes: Uint8Array;
}

/** The envelopes of a request in order. */
export function* storedEnvelopes(db: Db, request: number): Generator<EnvelopeRow> {
  const read = db.prepare<[number, number, number], EnvelopeRow>(
    `SELECT e.idx AS 'index', d.name, d.digest, d.size, e.file, e.bytes FROM envelopes e JOIN documents d USING (request, idx)
     WHERE e.request = ? AND e.idx >= ? ORDER BY e.idx LIMIT ?`,
  );
  for (let from = 1; ; from += rowsAtOnce) {
    const rows = read.all(request, from, rowsAtOnce);
    yield* rows;
    if (rows.length < rowsAtOnce) return;
  }
}

/** A row's line of `envelopes/list.jsonl`. */
export function envelopeLine({ bytes, digest, ...row }: EnvelopeRow): Uint8Array {
  const envelope = envelopePath(row.index, row.name);
  return plainListLine({ ...row, digest: hex(digest), envelope, envelopeDigest: hex(sha256(bytes)) });
}

/** The files of a bundle below `envelopes/`, as a stream of files. */
export function* envelopeFiles(db: Db, request: number): Generator<Uint8Array> {
  let length = 0;
  for (const row of storedEnvelopes(db, request)) length += envelopeLine(row).length;
  yield fileHeader(plainListPath, length);
  for (const row of storedEnvelopes(db, request)) yield envelopeLine(row);
  for (const { index, name, bytes } of storedEnvelopes(db, request)) {
    yield fileHeader(envelopePath(index, name), bytes.length);
    yield bytes;
  }
}

/** SHA-256 of the list. Gives way to other work between pieces. */
export async function digestEnvelopes(host: Host, db: Db, request: number): Promise<Uint8Array> {
  const hasher = host.hasher("sha256");
  for (const row of storedEnvelopes(db, request)) {
    hasher.update(envelopeLine(row));
    if (row.index % rowsAtOnce === 0) await new Promise(setImmediate);
  }
  return hasher.digest();
}

/**
 * Every stored envelope verified again; each must be over the document that is listed with it. Gives way to other work. Refuses
 * with CHAIN, and as `EnvelopeBatch.add`.
 */
export async function verifyStoredEnvelopes(host: Host, db: Db, batch: Batch): Promise<EnvelopeBatch> {
  const envelopes = new EnvelopeBatch(host);
  for (const { index, digest, bytes } of storedEnvelopes(db, batch.id)) {
    if (!equal(await envelopes.add(bytes), digest)) {
      throw new Refusal("CHAIN", `the stored envelope ${index} is not over the document that is listed`, {
        about: hex(batch.batchDigest),
      });
    }
    if (index % rowsAtOnce === 0) await new Promise(setImmediate);
  }
  return envelopes;
}

/** Who signed the first envelope; that it is one submitter's batch was found when they came, and their list's digest holds them to it. */
export async function firstSigner(host: Host, db: Db, batch: Batch): Promise<Certificate> {
  const envelopes = new EnvelopeBatch(host);
  for (const { bytes } of storedEnvelopes(db, batch.id)) {
    await envelopes.add(bytes);
    break;
  }
  return (await envelopes.submitter()).certificate;
}
