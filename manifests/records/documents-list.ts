/** documents.jsonl: one canonical JSON line a sealed document, in the request's order (docs/formats.md, "documents.jsonl"). */

import { concat } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import { Lines } from "../encoding/lines.ts";
import { hexText, integer, object, type Read, text } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { checkDocumentName, sealPath } from "./names.ts";
import { readDocumentDigest } from "./request.ts";

const lineLimit = 4096;
const lineFeed = 0x0a;

const readSealedDocument = object({
  digest: readDocumentDigest,
  index: integer(1),
  name: text(255),
  /** path of the seal below `outbox/BATCH` */
  seal: text(255),
  /** SHA-256 of the seal's SignerInfo without unsigned attributes */
  sealDigest: hexText(),
  size: integer(0),
});

export type SealedDocument = Read<typeof readSealedDocument>;

/** A line as read: the entry, and its bytes without LF, which are a leaf of the Merkle tree and may lie in the piece's own memory. */
export interface ListLine {
  readonly entry: SealedDocument;
  readonly leaf: Uint8Array;
}

/** One line by itself, wherever in its list it stands. Refuses SHAPE, also where the seal's path is not the one that index and name give, and DOCUMENT-NAME. */
export function readListEntry(value: Json | undefined, at: string): SealedDocument {
  const entry = readSealedDocument(value, at);
  checkEntry(entry, entry.index);
  return entry;
}

/** The bytes of one line without LF: the Merkle leaf. Refuses what the reader would not read. */
export function listLeaf(entry: SealedDocument): Uint8Array {
  readListEntry(entry as Json, "line");
  return canonicalBytes(entry as Json);
}

/** One line with LF, as it stands in the file. */
export function listLine(entry: SealedDocument): Uint8Array {
  return concat([listLeaf(entry), Uint8Array.of(lineFeed)]);
}

/** The lines of the file, whatever they say. Refuses SHAPE one that is longer than 4 KiB. */
export function listLines(): Lines {
  return new Lines(lineLimit);
}

/**
 * Push reader of documents.jsonl. Refuses with JSON or SHAPE a line that is not canonical, longer than 4 KiB, out of
 * order (indexes count from 1 without a gap) or whose seal's path is not the one that index and name give.
 */
export class ListReader {
  readonly #lines = listLines();
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Sum of the sizes of the documents read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Uint8Array): ListLine[] {
    const lines: ListLine[] = [];
    for (const leaf of this.#lines.push(chunk)) lines.push(this.#read(leaf));
    return lines;
  }

  /** Call once, after the last piece. Refuses with JSON a last line without LF. */
  end(): void {
    this.#lines.end();
  }

  #read(leaf: Uint8Array): ListLine {
    const entry = readSealedDocument(readCanonical(leaf), `line ${this.#count + 1}`);
    this.#count++;
    checkEntry(entry, this.#count);
    this.#bytes += entry.size;
    if (!Number.isSafeInteger(this.#bytes)) throw new Refusal("SHAPE", "the sizes add up to 2^53 or more");
    return { entry, leaf };
  }
}

function checkEntry(entry: SealedDocument, index: number): void {
  if (entry.index !== index) {
    throw new Refusal("SHAPE", "a line is out of order", { expected: `index ${index}`, got: `index ${entry.index}` });
  }
  checkDocumentName(entry.name);
  const expected = sealPath(entry.index, entry.name);
  if (entry.seal !== expected) {
    throw new Refusal("SHAPE", `line ${index}: the seal's path is another`, { expected, got: entry.seal });
  }
}
