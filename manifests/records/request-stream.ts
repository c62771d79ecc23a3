/**
 * The batch request as a stream (docs/formats.md, "batch.p7m"): read and written document by document, so that a list
 * of 100,000 documents never stands in memory as one string. The `documents` array is cut out of the top-level object;
 * the whole is canonical exactly when the parts before, each document and the part after are.
 */

import { hashBytes } from "../cms/suite.ts";
import { concat, utf8 } from "../encoding/bytes.ts";
import { canonical, type Json, readCanonical } from "../encoding/canonical-json.ts";
import { Refusal } from "../refusal.ts";
import { checkDocumentName, collisionKey, shown } from "./names.ts";
import { type ListedDocument, type RequestHead, readListedDocument, readRequestHead } from "./request.ts";

export { type IdentityHasher, identityHasher } from "./identity.ts";

/** Most bytes of one document's entry, and of the members before and after the list. */
const entryLimit = 2048;
const headLimit = 4096;
const chunkBytes = 64 * 1024;

const opening = utf8(',"documents":[');
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

type State = "front" | "first" | "entry" | "separator" | "back";

/**
 * Push reader of a request's canonical bytes. Refuses with JSON what is not canonical, SHAPE what is not a request,
 * DOCUMENT-NAME, DOCUMENT-TWICE two names that a FAT file system takes for one, and MEDIA-LIMIT as soon as there are more than
 * `most` documents.
 */
export class RequestReader {
  readonly #most: number;
  #state: State = "front";
  #pending: Uint8Array = new Uint8Array(0);
  #front: Uint8Array = new Uint8Array(0);
  #batch = "";
  #digestCharacters = 0;
  readonly #names = new Set<string>();
  #bytes = 0;

  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  /** Documents read so far. */
  get count(): number {
    return this.#names.size;
  }

  /** Sum of the sizes of the documents read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The batch that the request names, known before its first document; `end` checks its form. */
  get batch(): string {
    return this.#batch;
  }

  /** Adds a piece of the request and returns the documents that it completes, in order. */
  push(chunk: Uint8Array): ListedDocument[] {
    const input = this.#pending.length === 0 ? chunk : concat([this.#pending, chunk]);
    const documents: ListedDocument[] = [];
    let at = 0;
    for (;;) {
      const next = this.#step(input, at, documents);
      if (next === undefined) break;
      at = next;
    }
    // A copy: the caller may use the chunk's memory again.
    this.#pending = new Uint8Array(input.subarray(at)); // a copy, also of Node's Buffers
    return documents;
  }

  /** The request without its list; call once, after the last piece. Refuses with SHAPE a list without documents. */
  end(): RequestHead {
    if (this.#state !== "back") throw new Refusal("JSON", "the request ends early");
    const head = readRequestHead(readCanonical(concat([this.#front, this.#pending])), "request");
    const back = readCanonical(concat([Uint8Array.of(openBrace), this.#pending.subarray(1)]));
    checkOrder(back, (name) => name > "documents");
    if (this.count === 0) throw new Refusal("SHAPE", "a request lists at least one document");
    return head;
  }

  /** Takes one piece of the grammar at `at`; undefined: more bytes are needed. */
  #step(input: Uint8Array, at: number, documents: ListedDocument[]): number | undefined {
    const byte = input[at];
    switch (this.#state) {
      case "front":
        return this.#readFront(input);
      case "first":
        if (byte === undefined) return undefined;
        this.#state = byte === closeBracket ? "separator" : "entry";
        return at;
      case "entry":
        return this.#readEntry(input, at, documents);
      case "separator":
        if (byte === undefined) return undefined;
        if (byte !== comma && byte !== closeBracket) throw new Refusal("JSON", "not canonical JSON (RFC 8785)");
        this.#state = byte === comma ? "entry" : "back";
        return at + 1;
      case "back":
        if (input.length - at > headLimit) throw new Refusal("SHAPE", `more than ${headLimit} bytes after the list`);
        return undefined;
    }
  }

  #readFront(input: Uint8Array): number | undefined {
    const end = indexOutsideStrings(input, 0, openBracket, headLimit);
    if (end === undefined) return undefined;
    const at = end + 1;
    if (at < opening.length || !opening.every((byte, index) => input[at - opening.length + index] === byte)) {
      throw new Refusal("SHAPE", "a request has one list, its documents");
    }
    this.#front = new Uint8Array(input.subarray(0, at - opening.length));
    const front = readCanonical(concat([this.#front, Uint8Array.of(closeBrace)]));
    checkOrder(front, (name) => name < "documents");
    this.#digestCharacters = digestCharacters(front);
    const { batch } = front as { readonly batch?: Json };
    if (typeof batch === "string") this.#batch = batch;
    this.#state = "first";
    return at;
  }

  #readEntry(input: Uint8Array, at: number, documents: ListedDocument[]): number | undefined {
    if (at === input.length) return undefined;
    if (input[at] !== openBrace) throw new Refusal("JSON", "a list of documents holds objects only");
    const end = indexOutsideStrings(input, at, closeBrace, entryLimit);
    if (end === undefined) return undefined;
    const value = readCanonical(input.subarray(at, end + 1));
    documents.push(this.#take(readListedDocument(value, `request.documents[${this.count}]`)));
    this.#state = "separator";
    return end + 1;
  }

  #take(document: ListedDocument): ListedDocument {
    checkDocumentName(document.name);
    if (document.digest.length !== this.#digestCharacters) {
      throw new Refusal("SHAPE", `the digest of ${shown(document.name)} is not of the request's digest algorithm`, {
        about: document.name,
      });
    }
    const key = collisionKey(document.name);
    if (this.#names.has(key)) {
      throw new Refusal("DOCUMENT-TWICE", `${shown(document.name)} is listed twice`, { about: document.name });
    }
    if (this.count >= this.#most) {
      throw new Refusal("MEDIA-LIMIT", "too many documents", { expected: `at most ${this.#most}`, got: "more" });
    }
    this.#names.add(key);
    this.#bytes += document.size;
    if (!Number.isSafeInteger(this.#bytes)) throw new Refusal("SHAPE", "the sizes add up to 2^53 or more");
    return document;
  }
}

/** The canonical bytes of a request in pieces of at most 64 KiB. Refuses, when reached, what `RequestReader` would not read, repeated names apart. */
export function* requestBytes(head: RequestHead, documents: Iterable<ListedDocument>): Iterable<Uint8Array> {
  const { batch, digestAlgorithm, ...back } = readRequestHead(head as Json, "request");
  const front = utf8(canonical({ batch, digestAlgorithm }));
  let pieces: Uint8Array[] = [front.subarray(0, front.length - 1), opening];
  let held = front.length + opening.length;
  let separator = "";
  for (const document of documents) {
    checkDocumentName(document.name);
    const piece = utf8(separator + canonical(readListedDocument(document as Json, "document")));
    if (held + piece.length > chunkBytes) {
      yield concat(pieces);
      pieces = [];
      held = 0;
    }
    pieces.push(piece);
    held += piece.length;
    separator = ",";
  }
  yield concat(pieces);
  yield utf8(`],${canonical(back as Json).slice(1)}`);
}

/** Position of `wanted` outside of strings; undefined when it has not come yet. Refuses with SHAPE when it is not within `limit` bytes. */
function indexOutsideStrings(input: Uint8Array, from: number, wanted: number, limit: number): number | undefined {
  const end = Math.min(input.length, from + limit);
  let inString = false;
  for (let at = from; at < end; at++) {
    const byte = input[at];
    if (inString) {
      if (byte === backslash) at++;
      else if (byte === quote) inString = false;
    } else if (byte === wanted) {
      return at;
    } else if (byte === quote) {
      inString = true;
    }
  }
  if (end === from + limit) throw new Refusal("SHAPE", `part of a request is longer than ${limit} bytes`);
  return undefined;
}

function checkOrder(part: Json, fits: (name: string) => boolean): void {
  if (typeof part !== "object" || part === null || !Object.keys(part).every(fits)) {
    throw new Refusal("JSON", "not canonical JSON (RFC 8785): the list of documents is not in its place");
  }
}

function digestCharacters(front: Json): number {
  const { digestAlgorithm } = front as { readonly digestAlgorithm?: Json };
  const known = Object.entries(hashBytes).find(([name]) => name === digestAlgorithm);
  if (!known) throw new Refusal("SHAPE", `request.digestAlgorithm: expected ${Object.keys(hashBytes).join(" or ")}`);
  return known[1] * 2;
}
