/** The spool's own copy of batch.p7m: signature first, then its list, always as a stream from this copy. */

import { closeSync, constants, openSync, readSync } from "node:fs";
import {
  headLimit,
  readSignedDataHead,
  readSignedDataTail,
  type SignedDataHead,
  usualLimits,
} from "../../manifests/cms/read.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { readHeader } from "../../manifests/encoding/der-read.ts";
import type { Host } from "../../manifests/host.ts";
import type { ListedDocument, RequestHead } from "../../manifests/records/request.ts";
import type { RequestEnvelope } from "../../manifests/records/request-envelope.ts";
import { RequestReader } from "../../manifests/records/request-stream.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Watch } from "./watch.ts";

const piece = 256 * 1024;

export class PrivateEnvelope {
  readonly #host: Host;
  readonly #descriptor: number;
  readonly #size: number;
  readonly #watch: Watch;
  readonly #digests = new Map<HashName, Promise<Uint8Array>>();
  #head: SignedDataHead | undefined;

  /** Opens a copy of `size` bytes at `path`, which is not parsed yet. */
  constructor(host: Host, path: string, size: number, watch: Watch) {
    this.#host = host;
    this.#size = size;
    this.#watch = watch;
    this.#descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  }

  /** Whether the file is shorter than its own first bytes say: it may still be being copied to the stick. */
  isCut(): boolean {
    if (this.#size < 8) return true;
    try {
      return readHeader(this.#read(0, Math.min(this.#size, 16)), 0).end > this.#size;
    } catch {
      return false; // no DER at all: whatever it is, waiting does not mend it
    }
  }

  /** Signers, certificates and digests, without content. Refuses DER, CMS-FORM, CMS-TYPE, CMS-SIGNERS and the like. */
  signatures(): RequestEnvelope {
    const head = this.#readHead();
    const rest = this.#size - head.contentEnd;
    if (rest > usualLimits.tail) throw new Refusal("CMS-FORM", `more than ${usualLimits.tail} bytes after the content`);
    const tail = readSignedDataTail(head, this.#read(head.contentEnd, rest));
    return { ...tail, contentDigest: (hash) => this.contentDigest(hash) };
  }

  /** The content's digest; each is computed once. */
  contentDigest(hash: HashName): Promise<Uint8Array> {
    const known = this.#digests.get(hash) ?? this.#digestContent(hash);
    this.#digests.set(hash, known);
    return known;
  }

  /** The list, document by document; the generator's return value is the rest of the request. Refuses as `RequestReader` does. */
  *documents(): Generator<ListedDocument, { head: RequestHead; count: number; bytes: number }> {
    const reader = new RequestReader();
    for (const bytes of this.#content()) yield* reader.push(bytes);
    return { head: reader.end(), count: reader.count, bytes: reader.bytes };
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #readHead(): SignedDataHead {
    this.#head ??= readSignedDataHead(this.#read(0, Math.min(this.#size, headLimit)), this.#size);
    if (this.#head.detached) throw new Refusal("CMS-FORM", "a request stands inside batch.p7m, not beside it");
    return this.#head;
  }

  async #digestContent(hash: HashName): Promise<Uint8Array> {
    const hasher = this.#host.hasher(hash);
    for (const bytes of this.#content()) hasher.update(bytes);
    return hasher.digest();
  }

  *#content(): Generator<Uint8Array> {
    const { contentStart, contentEnd } = this.#readHead();
    for (let at = contentStart; at < contentEnd; at += piece) {
      this.#watch.tick();
      yield this.#read(at, Math.min(piece, contentEnd - at));
    }
  }

  #read(from: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const count = readSync(this.#descriptor, bytes, at, length - at, from + at);
      if (count === 0) throw new Refusal("STORE", "the spool's copy of batch.p7m became shorter");
      at += count;
    }
    return bytes;
  }
}
