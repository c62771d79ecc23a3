/** Plain envelopes that came over the socket: verified and kept one by one, not yet a batch; nothing of them is in memory as a whole. */

import type { Host } from "../../manifests/host.ts";
import { EnvelopeBatch } from "../../manifests/records/plain-envelope.ts";
import { type BroughtEnvelope, BroughtReader } from "../../manifests/records/plain-list.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { MostOfFile, Staging } from "./staged-request.ts";
import type { Db } from "./store.ts";
import { type EnvelopeRow, envelopeLine } from "./stored-envelopes.ts";

export interface StagedEnvelopes {
  readonly id: number;
  /** SHA-256 of `envelopes/list.jsonl` */
  readonly fileDigest: Uint8Array;
  readonly count: number;
  /** as intake reported it */
  readonly bytes: number;
  readonly envelopes: EnvelopeBatch;
}

const rowsAtOnce = 100;

/**
 * Receives envelopes without contents, in the order of their names' bytes, and verifies each. Documents are what the signed
 * digests say; names and sizes are intake's word. Refuses MEDIA-LIMIT, JSON, SHAPE, DOCUMENT-*, and as `EnvelopeBatch.add`;
 * then nothing is left.
 */
export function receiveEnvelopes(
  staging: Staging,
  { db, host }: { readonly db: Db; readonly host: Host },
  body: AsyncIterable<Uint8Array>,
  most: MostOfFile,
): Promise<StagedEnvelopes> {
  return staging.staging(async (id) => {
    const rows = new EnvelopeRows(db, host, id);
    const envelopes = new EnvelopeBatch(host);
    const reader = new BroughtReader(most.documents);
    let length = 0;
    for await (const piece of body) {
      length += piece.length;
      if (length > most.bytes) throw new Refusal("MEDIA-LIMIT", `the envelopes have more than ${most.bytes} bytes`);
      for (const brought of reader.push(piece)) await rows.add(brought, await envelopes.add(brought.envelope));
    }
    reader.end();
    return { id, ...(await rows.end()), bytes: reader.bytes, envelopes };
  });
}

class EnvelopeRows {
  readonly #db: Db;
  readonly #id: number;
  readonly #list;
  readonly #document;
  readonly #envelope;
  #pending: EnvelopeRow[] = [];
  #count = 0;

  constructor(db: Db, host: Host, id: number) {
    this.#db = db;
    this.#id = id;
    this.#list = host.hasher("sha256");
    this.#document = db.prepare("INSERT INTO documents (request, idx, name, digest, size) VALUES (?, ?, ?, ?, ?)");
    this.#envelope = db.prepare("INSERT INTO envelopes (request, idx, file, bytes) VALUES (?, ?, ?, ?)");
  }

  /** Gives way to other work now and then. */
  async add({ envelope, ...brought }: BroughtEnvelope, digest: Uint8Array): Promise<void> {
    const row = { ...brought, index: ++this.#count, digest, bytes: envelope };
    this.#list.update(envelopeLine(row));
    this.#pending.push(row);
    if (this.#pending.length < rowsAtOnce) return;
    this.#flush();
    await new Promise(setImmediate);
  }

  async end(): Promise<Pick<StagedEnvelopes, "count" | "fileDigest">> {
    this.#flush();
    return { count: this.#count, fileDigest: await this.#list.digest() };
  }

  #flush(): void {
    this.#db.transaction(() => {
      for (const { index, name, digest, size, file, bytes } of this.#pending) {
        this.#document.run(this.#id, index, name, digest, size);
        this.#envelope.run(this.#id, index, file, bytes);
      }
    })();
    this.#pending = [];
  }
}
