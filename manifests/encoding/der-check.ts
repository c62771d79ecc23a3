/** A walk over every element of some DER, without recursion and under caps (T5, 6). */

import { Refusal } from "../refusal.ts";
import { compare, fromUtf8 } from "./bytes.ts";
import { content, type Element, oidText, readElement, readTime, tag, whole } from "./der-read.ts";

export interface DerLimits {
  readonly depth: number;
  readonly elements: number;
}

const usual: DerLimits = { depth: 24, elements: 20_000 };

/**
 * Refuses with DER unless every element of `bytes` from `start` to `end`, at every depth, is strict: minimal lengths
 * and integers, BOOLEAN 00 or FF, empty NULL, padding bits zero, times and identifiers well formed, UTF-8 valid,
 * universal strings and numbers primitive, SETs in order (X.690 10, 11; all SETs of CMS and X.509 are SET OF).
 * What stands inside an OCTET STRING, a BIT STRING or a primitive context-specific tag is opaque.
 */
export function checkDer(
  bytes: Uint8Array,
  range: { readonly start: number; readonly end: number } = { start: 0, end: bytes.length },
  limits: DerLimits = usual,
): void {
  const open: Level[] = [{ end: range.end, ordered: false, last: undefined }];
  let at = range.start;
  let count = 0;
  for (;;) {
    let level = open.at(-1);
    while (level && at === level.end) {
      open.pop();
      level = open.at(-1);
    }
    if (!level) return;
    if (++count > limits.elements) throw new Refusal("DER", `more than ${limits.elements} elements`);
    const element = readElement(bytes, at, level.end);
    if (level.ordered) checkOrder(bytes, level, element);
    if ((element.tag & 0x20) === 0) {
      checkPrimitive(bytes, element);
      at = element.end;
    } else {
      if (element.tag < 0x80 && element.tag !== tag.sequence && element.tag !== tag.set) {
        throw new Refusal("DER", "a string or number in pieces is not allowed");
      }
      if (open.length > limits.depth) throw new Refusal("DER", `nested deeper than ${limits.depth}`);
      open.push({ end: element.end, ordered: element.tag === tag.set, last: undefined });
      at = element.start;
    }
  }
}

/** Refuses DER unless the elements are in ascending order of their encodings, no two equal (X.690 11.6). */
export function checkSetOrder(bytes: Uint8Array, elements: readonly Element[]): void {
  const level: Level = { end: 0, ordered: true, last: undefined };
  for (const element of elements) checkOrder(bytes, level, element);
}

interface Level {
  readonly end: number;
  readonly ordered: boolean;
  last: Element | undefined;
}

/** Equal elements are refused too: no SET OF here may say a thing twice. */
function checkOrder(bytes: Uint8Array, level: Level, element: Element): void {
  if (level.last && compare(whole(bytes, level.last), whole(bytes, element)) >= 0) {
    throw new Refusal("DER", "a SET OF is not in order, or holds an element twice");
  }
  level.last = element;
}

function checkPrimitive(bytes: Uint8Array, element: Element): void {
  const length = element.end - element.start;
  const first = length > 0 ? (bytes[element.start] as number) : undefined;
  const second = length > 1 ? (bytes[element.start + 1] as number) : undefined;
  switch (element.tag) {
    case tag.boolean:
      if (length !== 1 || (first !== 0 && first !== 0xff)) throw new Refusal("DER", "not a DER BOOLEAN");
      return;
    case tag.integer:
    case 0x0a: // ENUMERATED
      if (first === undefined) throw new Refusal("DER", "an empty INTEGER");
      if (second !== undefined && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80)) {
        throw new Refusal("DER", "an INTEGER is not in the fewest bytes");
      }
      return;
    case tag.bitString:
      if (first === undefined || first > 7 || (first > 0 && length === 1)) throw new Refusal("DER", "not a BIT STRING");
      if (((bytes[element.end - 1] as number) & ((1 << first) - 1)) !== 0 && first > 0) {
        throw new Refusal("DER", "a BIT STRING's padding is not zero");
      }
      return;
    case tag.null:
      if (length > 0) throw new Refusal("DER", "a NULL with content");
      return;
    case tag.oid:
      oidText(bytes, element.start, element.end);
      return;
    case tag.utf8String:
      fromUtf8(content(bytes, element), "DER");
      return;
    case tag.utcTime:
      readTime(bytes, element);
      return;
    case tag.sequence & 0x1f:
    case tag.set & 0x1f:
      throw new Refusal("DER", "a SEQUENCE or SET must be constructed");
    default: // other strings and context-specific primitives: their readers check them
  }
}
