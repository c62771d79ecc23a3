/** A `batch.p7m` that came over the socket: kept as parts and rows, not yet a request; nothing of it is in memory as a whole. */

import {
  headLimit,
  readSignedDataHead,
  readSignedDataTail,
  type SignedData,
  usualLimits,
} from "../../manifests/cms/read.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import type { ListedDocument, RequestHead } from "../../manifests/records/request.ts";
import { RequestReader } from "../../manifests/records/request-stream.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Db } from "./store.ts";

const partBytes = 256 * 1024;
const rowsAtOnce = 1000;

const stagedTables = ["request_parts", "documents", "envelopes"] as const;

/** The form of a stored `batch.p7m`; nothing of it is verified. */
export interface StoredEnvelope {
  /** without content */
  readonly envelope: SignedData;
  /** digest of the content by any hash; SHA-256 is the batch digest */
  contentDigest(hash: HashName): Promise<Uint8Array>;
}

export interface MostOfFile {
  readonly bytes: number;
  readonly documents: number;
}

export interface StagedRequest extends StoredEnvelope {
  readonly id: number;
  readonly fileDigest: Uint8Array;
  readonly head: RequestHead;
  readonly count: number;
  readonly bytes: number;
}

/** Makes ids for requests that are being received; ids of refused ones are not used again by this process. */
export class Staging {
  readonly #db: Db;
  readonly #host: Host;
  #last: number;

  /** Clears what an earlier process left unfinished. */
  constructor(db: Db, host: Host) {
    this.#db = db;
    this.#host = host;
    db.transaction(() => {
      for (const table of stagedTables) {
        db.exec(`DELETE FROM ${table} WHERE request NOT IN (SELECT id FROM requests)`);
      }
    })();
    this.#last = db.prepare<[], number>("SELECT coalesce(max(id), 0) FROM requests").pluck().get() as number;
  }

  /**
   * Receives a file of at most `bytes` bytes and `documents` documents and reads its form. Its rows are there on return, but belong to no
   * request yet. Refuses MEDIA-LIMIT, DER, CMS-*, JSON, SHAPE, DOCUMENT-*; then nothing is left.
   */
  async receive(body: AsyncIterable<Uint8Array>, most: MostOfFile): Promise<StagedRequest> {
    return this.staging(async (id) => {
      const fileDigest = await this.#keepParts(id, body, most.bytes);
      return { id, fileDigest, ...(await this.#readForm(id, most.documents)) };
    });
  }

  /** Runs work that writes rows under a new id. When it refuses, nothing is left. */
  async staging<T>(work: (id: number) => Promise<T>): Promise<T> {
    const id = ++this.#last;
    try {
      return await work(id);
    } catch (fault) {
      this.discard(id);
      throw fault;
    }
  }

  /** Removes what was received and not accepted. */
  discard(id: number): void {
    this.#db.transaction(() => {
      for (const table of stagedTables) this.#db.prepare(`DELETE FROM ${table} WHERE request = ?`).run(id);
    })();
  }

  async #keepParts(id: number, body: AsyncIterable<Uint8Array>, maximum: number) {
    const insert = this.#db.prepare("INSERT INTO request_parts (request, part, bytes) VALUES (?, ?, ?)");
    const hasher = this.#host.hasher("sha256");
    let pending: Uint8Array[] = [];
    let held = 0;
    let length = 0;
    let part = 0;
    const flush = () => {
      if (held === 0) return;
      insert.run(id, part++, concat(pending));
      pending = [];
      held = 0;
    };
    for await (const piece of body) {
      length += piece.length;
      if (length > maximum) throw new Refusal("MEDIA-LIMIT", `batch.p7m has more than ${maximum} bytes`);
      hasher.update(piece);
      pending.push(new Uint8Array(piece));
      held += piece.length;
      if (held >= partBytes) flush();
    }
    flush();
    return hasher.digest();
  }

  async #readForm(id: number, documents: number) {
    const { content, ...stored } = storedEnvelope(this.#db, this.#host, id);
    const rows = new DocumentRows(this.#db, id);
    const reader = new RequestReader(documents);
    for (const chunk of content()) {
      rows.add(reader.push(chunk));
      await new Promise(setImmediate);
    }
    return { ...stored, head: reader.end(), ...rows.end() };
  }
}

class DocumentRows {
  readonly #db: Db;
  readonly #id: number;
  readonly #insert;
  #pending: ListedDocument[] = [];
  #count = 0;
  #bytes = 0;

  constructor(db: Db, id: number) {
    this.#db = db;
    this.#id = id;
    this.#insert = db.prepare("INSERT INTO documents (request, idx, name, digest, size) VALUES (?, ?, ?, ?, ?)");
  }

  add(documents: readonly ListedDocument[]): void {
    this.#pending.push(...documents);
    if (this.#pending.length >= rowsAtOnce) this.#flush();
  }

  end(): { readonly count: number; readonly bytes: number } {
    this.#flush();
    if (!Number.isSafeInteger(this.#bytes)) throw new Refusal("MEDIA-LIMIT", "the documents are too large together");
    return { count: this.#count, bytes: this.#bytes };
  }

  #flush(): void {
    this.#db.transaction(() => {
      for (const { name, digest, size } of this.#pending) {
        this.#insert.run(this.#id, ++this.#count, name, Uint8Array.fromHex(digest), size);
        this.#bytes += size;
      }
    })();
    this.#pending = [];
  }
}

/** The envelope of a stored file, and its content in pieces. Refuses DER, CMS-*. */
export function storedEnvelope(db: Db, host: Host, id: number): StoredEnvelope & { content(): Iterable<Uint8Array> } {
  const length = storedLength(db, id);
  const head = readSignedDataHead(readStored(db, id, 0, Math.min(length, headLimit)), length);
  if (head.detached) throw new Refusal("CMS-FORM", "batch.p7m lacks its content");
  if (length - head.contentEnd > usualLimits.tail) throw new Refusal("CMS-FORM", "too many bytes after the content");
  const content = () => storedRange(db, id, head.contentStart, head.contentEnd);
  return {
    envelope: readSignedDataTail(head, readStored(db, id, head.contentEnd, length)),
    content,
    contentDigest: async (hash) => {
      const hasher = host.hasher(hash);
      for (const chunk of content()) {
        hasher.update(chunk);
        await new Promise(setImmediate);
      }
      return hasher.digest();
    },
  };
}

/** The stored file of a request from `start` up to `end`, part by part. */
function* storedRange(db: Db, id: number, start: number, end: number): Generator<Uint8Array> {
  const read = db
    .prepare<[number, number], Uint8Array>("SELECT bytes FROM request_parts WHERE request = ? AND part = ?")
    .pluck();
  let at = 0;
  for (let part = 0; at < end; part++) {
    const bytes = read.get(id, part);
    if (!bytes) throw new Refusal("STORE", `part ${part} of request ${id} is missing`);
    if (at + bytes.length > start) yield bytes.subarray(Math.max(0, start - at), end - at);
    at += bytes.length;
  }
}

/** The whole stored file, part by part. */
export function storedFile(db: Db, id: number): Iterable<Uint8Array> {
  return storedRange(db, id, 0, storedLength(db, id));
}

export function storedLength(db: Db, id: number): number {
  return db
    .prepare<[number], number>("SELECT coalesce(sum(length(bytes)), 0) FROM request_parts WHERE request = ?")
    .pluck()
    .get(id) as number;
}

function readStored(db: Db, id: number, start: number, end: number): Uint8Array {
  return concat([...storedRange(db, id, start, end)]);
}
