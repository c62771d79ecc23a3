/**
 * Reading strict DER by slicing (X.690 10, 11): positions into the given bytes, no tree, no copies. Structures are
 * read by their known shape, so depth is what the shape says; `der-check.ts` bounds what no shape describes. Every
 * fault is the refusal DER, or the code that a `DerReader` was given for an element that is not the expected one.
 */

import { Refusal, type RefusalCode } from "../refusal.ts";
import { Recent } from "./recent.ts";
import type { Utc } from "./shape.ts";

/** Where one element lies: header at `headerStart`, content from `start` up to and not including `end`. */
export interface Element {
  readonly tag: number;
  readonly headerStart: number;
  readonly start: number;
  readonly end: number;
}

/** Universal tags and the constructed context-specific ones, as whole identifier octets. */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/**
 * The element at `at`, which must end at or before `end`. One-byte tags, definite lengths of at most four octets in
 * the fewest octets (X.690 10.1); anything else is refused.
 */
export function readElement(bytes: Uint8Array, at: number, end = bytes.length): Element {
  const header = readHeader(bytes, at, end);
  if (header.end > end) throw new Refusal("DER", "an element is longer than what holds it");
  return header;
}

/** As `readElement`, but the element's end may lie beyond `end`: only its header must be there. */
export function readHeader(bytes: Uint8Array, at: number, end = bytes.length): Element {
  const limit = Math.min(end, bytes.length);
  if (at + 2 > limit) throw new Refusal("DER", "an element is cut off");
  const tagOctet = bytes[at] as number;
  if (tagOctet === 0) throw new Refusal("DER", "tag 0 is not allowed");
  if ((tagOctet & 0x1f) === 0x1f) throw new Refusal("DER", "tags of several bytes are not allowed");
  const first = bytes[at + 1] as number;
  if (first < 0x80) return { tag: tagOctet, headerStart: at, start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count === 0) throw new Refusal("DER", "indefinite lengths are not allowed");
  if (count > 4) throw new Refusal("DER", "a length is too long");
  if (at + 2 + count > limit) throw new Refusal("DER", "an element is cut off");
  let length = 0;
  for (let index = 0; index < count; index++) length = length * 256 + (bytes[at + 2 + index] as number);
  const fewest = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  if (count !== fewest) throw new Refusal("DER", "a length is not in the fewest bytes");
  const start = at + 2 + count;
  return { tag: tagOctet, headerStart: at, start, end: start + length };
}

/** The element's encoding, header included. */
export function whole(bytes: Uint8Array, element: Element): Uint8Array {
  return bytes.subarray(element.headerStart, element.end);
}

/** The element's content octets. */
export function content(bytes: Uint8Array, element: Element): Uint8Array {
  return bytes.subarray(element.start, element.end);
}

/** Walks the elements of one range in order. `form` is the refusal for an element that is missing or not the expected one. */
export class DerReader {
  readonly bytes: Uint8Array;
  readonly #form: RefusalCode;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, range: { readonly start: number; readonly end: number }, form: RefusalCode) {
    this.bytes = bytes;
    this.#at = range.start;
    this.#end = range.end;
    this.#form = form;
  }

  /** The one element of `expected` tag that all of `bytes` must be, opened. */
  static open(bytes: Uint8Array, expected: number, form: RefusalCode): DerReader {
    const outer = new DerReader(bytes, { start: 0, end: bytes.length }, form);
    const inner = outer.enter(expected);
    outer.finish();
    return inner;
  }

  get at(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Whether the next element has this tag; false at the end. */
  next(expected: number): boolean {
    return this.#at < this.#end && this.bytes[this.#at] === expected;
  }

  /** The next element, whatever it is. */
  any(): Element {
    if (this.done) throw new Refusal(this.#form, "an element is missing");
    const element = readElement(this.bytes, this.#at, this.#end);
    this.#at = element.end;
    return element;
  }

  /** The next element, which must have this tag. */
  read(expected: number): Element {
    if (!this.next(expected)) {
      const found = this.done ? "nothing" : `tag ${hexTag(this.bytes[this.#at] as number)}`;
      throw new Refusal(this.#form, `expected tag ${hexTag(expected)}, got ${found}`);
    }
    return this.any();
  }

  optional(expected: number): Element | undefined {
    return this.next(expected) ? this.any() : undefined;
  }

  /** Reads the next element, of this tag, and gives a reader of its content. */
  enter(expected: number): DerReader {
    return this.inside(this.read(expected));
  }

  inside(element: Element): DerReader {
    return new DerReader(this.bytes, element, this.#form);
  }

  /** The rest's elements; refuses more than `limit`. */
  rest(limit: number): readonly Element[] {
    const out: Element[] = [];
    while (!this.done) {
      if (out.length === limit) throw new Refusal(this.#form, `more than ${limit} elements`);
      out.push(this.any());
    }
    return out;
  }

  oid(): string {
    const { end, start } = this.read(tag.oid);
    return oidText(this.bytes, start, end);
  }

  /** Content octets of an INTEGER that is minimal (X.690 8.3.2) and not negative. */
  unsigned(): Uint8Array {
    return unsignedContent(content(this.bytes, this.read(tag.integer)));
  }

  /** A small INTEGER from 0 up. */
  smallInteger(): number {
    return smallNumber(this.unsigned());
  }

  boolean(): boolean {
    const octets = content(this.bytes, this.read(tag.boolean));
    if (octets.length !== 1 || (octets[0] !== 0 && octets[0] !== 0xff)) throw new Refusal("DER", "not a DER BOOLEAN");
    return octets[0] === 0xff;
  }

  /** Nothing may follow. */
  finish(): void {
    if (!this.done) throw new Refusal(this.#form, "something follows that does not belong there");
  }
}

/** Dotted decimal of an OBJECT IDENTIFIER whose content stands from `start` to `end` (X.690 8.19): minimal arcs, at most 64 octets. */
export function oidText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (end === start || end - start > 64) throw new Refusal("DER", "an object identifier of a wrong length");
  const known = identifiers.find(bytes, start, end);
  if (known !== undefined) return known;
  const octets = new Uint8Array(bytes.subarray(start, end)); // a copy, also of Node's Buffers
  return identifiers.keep(octets, readOid(octets));
}

const identifiers = new Recent<string>(64);

function readOid(octets: Uint8Array): string {
  const arcs: (number | bigint)[] = [];
  for (let at = 0; at < octets.length; ) {
    if (octets[at] === 0x80) throw new Refusal("DER", "an object identifier's arc is not in the fewest bytes");
    let arc: number | bigint = 0;
    for (let more = true; more; at++) {
      if (at === octets.length) throw new Refusal("DER", "an object identifier is cut off");
      const octet = octets[at] as number;
      if (typeof arc === "number" && arc > 2 ** 45) arc = BigInt(arc);
      arc = typeof arc === "bigint" ? arc * 128n + BigInt(octet & 0x7f) : arc * 128 + (octet & 0x7f);
      more = octet >= 0x80;
    }
    arcs.push(arc);
  }
  const joined = arcs[0] as number | bigint;
  if (joined < 80) return [Math.floor(Number(joined) / 40), Number(joined) % 40, ...arcs.slice(1)].join(".");
  return [2, BigInt(joined) - 80n, ...arcs.slice(1)].join(".");
}

/** Checks an INTEGER's content: minimal and not negative. */
export function unsignedContent(octets: Uint8Array): Uint8Array {
  const first = octets[0];
  const second = octets[1];
  if (first === undefined) throw new Refusal("DER", "an empty INTEGER");
  if (first === 0 && second !== undefined && second < 0x80)
    throw new Refusal("DER", "an INTEGER is not in the fewest bytes");
  if (first >= 0x80) throw new Refusal("DER", "a negative INTEGER");
  return octets;
}

/** UTCTime or GeneralizedTime in the one DER form with seconds and Z (X.690 11.7, 11.8), as RFC 5652 11.3 divides the years. */
export function readTime(bytes: Uint8Array, element: Element): Utc {
  if (element.tag === tag.utcTime) {
    const years = readDigits(bytes, element, 12)(0);
    return readMoment(bytes, element, 12, (years < 50 ? 2000 : 1900) + years);
  }
  if (element.tag !== tag.generalizedTime) throw new Refusal("DER", "expected a time");
  const time = readGeneralizedTime(bytes, element);
  if (time >= "1950" && time < "2050") throw new Refusal("DER", "times up to 2049 must be a UTCTime");
  return time;
}

/** GeneralizedTime of any year in the one DER form with seconds and Z, as OCSP has it throughout (RFC 6960 4.2.2.1). */
export function readGeneralizedTime(bytes: Uint8Array, element: Element): Utc {
  if (element.tag !== tag.generalizedTime) throw new Refusal("DER", "expected a GeneralizedTime");
  const pair = readDigits(bytes, element, 14);
  return readMoment(bytes, element, 14, pair(0) * 100 + pair(2));
}

/** Reads two digits from a place on in a time of so many digits and Z. */
function readDigits(bytes: Uint8Array, { end, start }: Element, digits: number): (at: number) => number {
  if (end - start !== digits + 1 || bytes[start + digits] !== letterZ) throw new Refusal("DER", notInForm);
  return (at) => digit(bytes, start + at) * 10 + digit(bytes, start + at + 1);
}

/** The last ten digits, month to second, of this year. */
function readMoment(bytes: Uint8Array, element: Element, digits: number, year: number): Utc {
  const pair = readDigits(bytes, element, digits);
  const rest = digits - 10;
  const month = pair(rest);
  const day = pair(rest + 2);
  const hour = pair(rest + 4);
  const minute = pair(rest + 6);
  const second = pair(rest + 8);
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month) || hour > 23 || minute > 59 || second > 59) {
    throw new Refusal("DER", "not a real date and time");
  }
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}T${padded(hour, 2)}:${padded(minute, 2)}:${padded(second, 2)}Z`;
}

const letterZ = 0x5a;
const notInForm = "a time is not in DER form";

function digit(bytes: Uint8Array, at: number): number {
  const value = (bytes[at] as number) - 0x30;
  if (value < 0 || value > 9) throw new Refusal("DER", notInForm);
  return value;
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

function smallNumber(octets: Uint8Array): number {
  if (octets.length > 6) throw new Refusal("DER", "an INTEGER is too large here");
  let value = 0;
  for (const octet of octets) value = value * 256 + octet;
  return value;
}

function hexTag(octet: number): string {
  return octet.toString(16).padStart(2, "0");
}
