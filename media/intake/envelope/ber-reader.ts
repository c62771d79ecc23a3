/**
 * BER (X.690 8) as a stream: definite and indefinite lengths, strings in pieces. No recursion: open elements stand on a
 * stack of bounded depth, every length is held against the innermost element of known end, and what is held in memory is
 * bounded by the caller, not by what a length says (T5).
 */

import { concat } from "../../../manifests/encoding/bytes.ts";
import { content, readElement } from "../../../manifests/encoding/der-read.ts";
import { der } from "../../../manifests/encoding/der-write.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type ByteSource, cutOff } from "./byte-source.ts";

/** An element's header, also as it stands. `length` is undefined where it is indefinite. */
export interface BerHeader {
  readonly tag: number;
  readonly length: number | undefined;
  readonly octets: Uint8Array;
}

const deepest = 32;
const constructed = 0x20;
const octetString = 0x04;

export class BerReader {
  readonly #source: ByteSource;
  /** ends of the open elements; undefined: at its end-of-contents octets */
  readonly #open: (number | undefined)[] = [];

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Whether another element stands in the innermost open one. Refuses with ENVELOPE-FORM when the bytes end before it does. */
  more(): boolean {
    const end = this.#open.at(-1);
    if (this.#open.length === 0) return this.#source.peek() !== undefined;
    if (end !== undefined) return this.#source.position < end;
    const next = this.#source.peek();
    if (next === undefined) throw cutOff();
    return next !== 0;
  }

  /** The tag of the next element, if there is one. */
  next(): number | undefined {
    return this.more() ? this.#source.peek() : undefined;
  }

  /** Opens the next element, which must be constructed and of this tag. */
  enter(tag: number): void {
    const header = this.header();
    if (header.tag !== tag) throw unexpected(tag, header.tag);
    this.#push(header);
  }

  /** Closes the innermost open element, of which nothing may be left. */
  leave(): void {
    if (this.more()) throw form("something follows that does not belong there");
    if (this.#open.pop() !== undefined) return;
    if (this.#source.byte() !== 0 || this.#source.byte() !== 0) throw form("end-of-contents octets are not 00 00");
    this.#checkInside(0);
  }

  /** Nothing may follow the outermost element. */
  finish(): void {
    if (this.#source.peek() !== undefined) throw form("bytes follow the envelope");
  }

  /** The next element's header; its content stands next. */
  header(): BerHeader {
    if (!this.more()) throw form("an element is missing");
    const tag = this.#source.byte();
    if ((tag & 0x1f) === 0x1f) throw form("tags of several bytes are not allowed");
    if (tag === 0) throw form("tag 0 is not allowed");
    const octets = [tag];
    const length = this.#length(octets);
    if (length === undefined && (tag & constructed) === 0) throw form("a primitive element of indefinite length");
    this.#checkInside(length ?? 0);
    return { tag, length, octets: Uint8Array.from(octets) };
  }

  /** The content of a primitive element of this tag, at most `most` bytes. */
  primitive(tag: number, most: number): Uint8Array {
    const header = this.header();
    if (header.tag !== tag) throw unexpected(tag, header.tag);
    return this.#content(header, most);
  }

  /**
   * The octets of an OCTET STRING, whole or in pieces nested at will, as they come. Refuses pieces that are no OCTET STRINGs,
   * and more pieces than their octets can explain.
   */
  *octets(): Generator<Uint8Array> {
    const depth = this.#open.length;
    let pieces = 0;
    let bytes = 0;
    do {
      const header = this.header();
      if (++pieces > 10_000 + bytes / 16) throw form("the content is in too many small pieces");
      if (header.tag === (octetString | constructed)) this.#push(header);
      else if (header.tag !== octetString) throw unexpected(octetString, header.tag);
      for (let left = header.tag === octetString ? (header.length ?? 0) : 0; left > 0; ) {
        const some = this.#source.some(left);
        if (some.length === 0) throw cutOff();
        left -= some.length;
        bytes += some.length;
        yield some;
      }
      this.#leaveDone(depth);
    } while (this.#open.length > depth);
  }

  /** The next element as it stands, header and all. Refuses more than `most` bytes of content, and an indefinite length of its own. */
  whole(most: number): Uint8Array {
    const header = this.header();
    return concat([header.octets, this.#content(header, most)]);
  }

  /**
   * The next element in DER as far as lengths and strings in pieces go; what else is not DER stays as it stands. Refuses more
   * than `most` bytes.
   */
  inDer(most: number): Uint8Array {
    const depth = this.#open.length;
    const levels: { tag: number; readonly parts: Uint8Array[] }[] = [{ tag: 0, parts: [] }];
    let left = most;
    do {
      const header = this.header();
      left -= header.octets.length;
      if ((header.tag & constructed) === 0) {
        const content = this.#content(header, Math.max(left, 0));
        left -= content.length;
        levels.at(-1)?.parts.push(der(header.tag, content));
      } else {
        this.#push(header);
        levels.push({ tag: header.tag, parts: [] });
      }
      if (left < 0) throw form(`an element of more than ${most} bytes`);
      while (this.#open.length > depth && !this.more()) {
        this.leave();
        const { tag, parts } = levels.pop() as (typeof levels)[number];
        levels.at(-1)?.parts.push(tag === (octetString | constructed) ? joined(parts) : der(tag, ...parts));
      }
    } while (this.#open.length > depth);
    return concat(levels[0]?.parts ?? []);
  }

  /** Passes over the next element, whatever it is. Refuses more than `most` bytes. */
  skip(most: number): void {
    const depth = this.#open.length;
    let left = most;
    do {
      const header = this.header();
      left -= header.octets.length;
      if (header.length === undefined) this.#push(header);
      else left -= this.#content(header, Math.max(left, 0)).length;
      if (left < 0) throw form(`an element of more than ${most} bytes`);
      this.#leaveDone(depth);
    } while (this.#open.length > depth);
  }

  #leaveDone(depth: number): void {
    while (this.#open.length > depth && !this.more()) this.leave();
  }

  /** The content of an element whose header was read. */
  #content({ length }: BerHeader, most: number): Uint8Array {
    if (length === undefined) throw form("an indefinite length where DER is wanted");
    if (length > most) throw form(`an element of more than ${most} bytes`);
    return this.#source.exactly(length);
  }

  #push({ tag, length }: BerHeader): void {
    if ((tag & constructed) === 0) throw form("a primitive element where others must stand inside");
    if (this.#open.length === deepest) throw form(`nested deeper than ${deepest}`);
    this.#open.push(length === undefined ? undefined : this.#source.position + length);
  }

  /** X.690 8.1.3; not the fewest bytes is allowed in BER, but not more than eight of them. */
  #length(octets: number[]): number | undefined {
    const first = this.#source.byte();
    octets.push(first);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0) return undefined;
    if (count > 8) throw form("a length is too long");
    let length = 0;
    for (let at = 0; at < count; at++) {
      const octet = this.#source.byte();
      octets.push(octet);
      length = length * 256 + octet;
    }
    if (!Number.isSafeInteger(length)) throw form("a length is too long");
    return length;
  }

  /** Whether so many bytes more still lie within all that is open. */
  #checkInside(length: number): void {
    const end = this.#open.findLast((one) => one !== undefined);
    if (end === undefined || this.#source.position + length <= end) return;
    throw form("an element is longer than what holds it");
  }
}

/** One OCTET STRING of the octets of its pieces, each in DER. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const octets = pieces.map((piece) => {
    const element = readElement(piece, 0);
    if (element.tag !== octetString) throw unexpected(octetString, element.tag);
    return content(piece, element);
  });
  return der(octetString, ...octets);
}

export function form(message: string): Refusal {
  return new Refusal("ENVELOPE-FORM", message);
}

function unexpected(expected: number, got: number): Refusal {
  const shown = (tag: number) => `tag ${tag.toString(16).padStart(2, "0")}`;
  return new Refusal("ENVELOPE-FORM", "not the structure of a SignedData with content", {
    expected: shown(expected),
    got: shown(got),
  });
}
