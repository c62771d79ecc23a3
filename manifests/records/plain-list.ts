/**
 * Lists of plain envelopes, a line for each (docs/formats.md, "Plain envelopes"): `envelopes/list.jsonl` of a bundle, and the
 * lines by which intake hands them over within the box. Read and written one by one: 100,000 never stand in memory.
 */

import { concat, fromBase64 } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import { Lines } from "../encoding/lines.ts";
import { hexText, integer, object, type Read, text } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { envelopePath } from "./names.ts";
import { envelopeLimit } from "./plain-envelope.ts";
import { PlainNames } from "./plain-names.ts";
import { readDocumentDigest } from "./request.ts";

/** Path of the list below `outbox/BATCH`. */
export const plainListPath = "envelopes/list.jsonl";

const listLimit = 4096;
const broughtLimit = Math.ceil(envelopeLimit / 3) * 4 + 4096;
const lineFeed = Uint8Array.of(0x0a);

const readListedValue = object({
  digest: readDocumentDigest,
  /** path below `outbox/BATCH` */
  envelope: text(255),
  /** SHA-256 of that file */
  envelopeDigest: hexText(),
  file: text(255),
  index: integer(1),
  name: text(255),
  size: integer(0),
});
export type ListedEnvelope = Read<typeof readListedValue>;

/** One line with LF, as it stands in the file. */
export function plainListLine(entry: ListedEnvelope): Uint8Array {
  return concat([canonicalBytes(readListedValue(entry as Json, "line")), lineFeed]);
}

/** Push reader of the list. Refuses with JSON or SHAPE what is not canonical or out of order, DOCUMENT-NAME, DOCUMENT-TWICE. */
export class PlainListReader {
  readonly #lines = new Lines(listLimit);
  readonly #names = new PlainNames();
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Sum of the sizes that were read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  *push(piece: Uint8Array): Generator<ListedEnvelope> {
    for (const line of this.#lines.push(piece)) {
      const entry = readListedValue(readCanonical(line), `line ${++this.#count}`);
      this.#names.add(entry.file, entry.name);
      const path = envelopePath(this.#count, entry.name);
      if (entry.index !== this.#count || entry.envelope !== path) {
        throw new Refusal("SHAPE", `line ${this.#count} has another place than its index and name give`, {
          expected: `index ${this.#count}, ${path}`,
          got: `index ${entry.index}, ${entry.envelope}`,
        });
      }
      this.#bytes = addSize(this.#bytes, entry.size);
      yield entry;
    }
  }

  /** Call once, after the last piece. Refuses with JSON a last line without LF, SHAPE an empty list. */
  end(): void {
    this.#lines.end();
    if (this.#count === 0) throw new Refusal("SHAPE", "a list of no envelopes");
  }
}

const readBroughtValue = object({ envelope: text(broughtLimit), file: text(255), name: text(255), size: integer(0) });

/** An envelope as intake hands it over. `file`, `name` and `size` are its word alone. */
export interface BroughtEnvelope {
  /** strict DER, without content */
  readonly envelope: Uint8Array;
  readonly file: string;
  readonly name: string;
  readonly size: number;
}

/** One line with LF. */
export function broughtLine(entry: BroughtEnvelope): Uint8Array {
  return concat([canonicalBytes({ ...entry, envelope: entry.envelope.toBase64() }), lineFeed]);
}

/** Push reader of what intake hands over. Refuses JSON, SHAPE, DOCUMENT-NAME, DOCUMENT-TWICE, MEDIA-LIMIT more than `most`. */
export class BroughtReader {
  readonly #lines = new Lines(broughtLimit);
  readonly #names = new PlainNames();
  readonly #most: number;
  #count = 0;
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  *push(piece: Uint8Array): Generator<BroughtEnvelope> {
    for (const line of this.#lines.push(piece)) {
      if (++this.#count > this.#most) {
        throw new Refusal("MEDIA-LIMIT", "too many documents", { expected: `at most ${this.#most}`, got: "more" });
      }
      const { envelope, ...entry } = readBroughtValue(readCanonical(line), `envelope ${this.#count}`);
      this.#names.add(entry.file, entry.name);
      this.#bytes = addSize(this.#bytes, entry.size);
      yield { ...entry, envelope: fromBase64(envelope) };
    }
  }

  /** Call once, after the last piece. Refuses with JSON a last line without LF, SHAPE no envelope at all. */
  end(): void {
    this.#lines.end();
    if (this.#count === 0) throw new Refusal("SHAPE", "no envelopes");
  }
}

function addSize(sum: number, size: number): number {
  const bytes = sum + size;
  if (!Number.isSafeInteger(bytes)) throw new Refusal("SHAPE", "the sizes add up to 2^53 or more");
  return bytes;
}
