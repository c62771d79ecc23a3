/** Writing DER (X.690): the few types that CMS and X.509 need. What is written here, `der-read.ts` accepts. */

import { Refusal } from "../refusal.ts";
import { compare, concat, utf8 } from "./bytes.ts";
import type { Utc } from "./shape.ts";

/** One element of a one-byte tag, its length in the fewest bytes (X.690 10.1), its content the parts in order. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  return concat([derHeader(tag, length), ...parts]);
}

/** Tag and length of an element whose content is written by someone else. */
export function derHeader(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(tag, 0x80 | octets.length, ...octets);
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

/** SET OF: the parts in ascending order of their encodings (X.690 11.6). */
export function setOf(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x31, ...[...parts].sort(compare));
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return der(0x04, bytes);
}

/** A BIT STRING of whole bytes, or with `unused` low bits of the last byte left out (they must be zero). */
export function bitString(bytes: Uint8Array, unused = 0): Uint8Array {
  return der(0x03, Uint8Array.of(unused), bytes);
}

export function boolean(value: boolean): Uint8Array {
  return Uint8Array.of(0x01, 0x01, value ? 0xff : 0x00);
}

export const derNull: Uint8Array = Uint8Array.of(0x05, 0x00);

/** An INTEGER in the fewest two's-complement bytes (X.690 8.3.2). */
export function integer(value: number | bigint): Uint8Array {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Refusal("DER", "not a whole number");
  if (value >= 0 && value < 0x80) return Uint8Array.of(0x02, 1, Number(value));
  let rest = BigInt(value);
  const octets: number[] = [];
  do {
    octets.unshift(Number(BigInt.asUintN(8, rest)));
    rest >>= 8n;
  } while (rest !== 0n && rest !== -1n);
  const negative = value < 0;
  if (negative !== (octets[0] as number) >= 0x80) octets.unshift(negative ? 0xff : 0x00);
  return der(0x02, Uint8Array.from(octets));
}

/** An INTEGER from an unsigned big-endian number of any length. */
export function unsignedInteger(bytes: Uint8Array): Uint8Array {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const rest = bytes.subarray(at);
  if (rest.length === 0) return integer(0);
  return (rest[0] as number) >= 0x80 ? der(0x02, Uint8Array.of(0), rest) : der(0x02, rest);
}

/** An OBJECT IDENTIFIER from dotted decimal (X.690 8.19), not to be changed by who asked. Refuses DER when it is not one. */
export function objectIdentifier(text: string): Uint8Array {
  const known = identifiers.get(text);
  if (known) return known;
  const made = writeIdentifier(text);
  if (identifiers.size < identifiersKept) identifiers.set(text, made);
  return made;
}

/** The same few stand in every signature. */
const identifiers = new Map<string, Uint8Array>();
const identifiersKept = 256;

function writeIdentifier(text: string): Uint8Array {
  if (!/^[0-2](?:\.(?:0|[1-9][0-9]{0,38})){1,32}$/.test(text)) throw new Refusal("DER", "not an object identifier");
  const arcs = text.split(".").map(BigInt);
  const [first = 0n, second = 0n] = arcs;
  if (first < 2n && second > 39n) throw new Refusal("DER", "not an object identifier");
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...arcs.slice(2)]) {
    const group: number[] = [Number(arc & 0x7fn)];
    for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) group.unshift(Number(rest & 0x7fn) | 0x80);
    octets.push(...group);
  }
  return der(0x06, Uint8Array.from(octets));
}

export function utf8String(text: string): Uint8Array {
  return der(0x0c, utf8(text));
}

/** Years 1950 to 2049 only; refuses DER otherwise. */
export function utcTime(time: Utc): Uint8Array {
  const year = Number(time.slice(0, 4));
  if (year < 1950 || year > 2049) throw new Refusal("DER", "a UTCTime holds the years 1950 to 2049");
  return der(0x17, utf8(digits(time).slice(2)));
}

export function generalizedTime(time: Utc): Uint8Array {
  return der(0x18, utf8(digits(time)));
}

/** Time as CMS and certificates carry it: UTCTime up to 2049, GeneralizedTime after (RFC 5652 11.3, RFC 5280 4.1.2.5). */
export function time(value: Utc): Uint8Array {
  const year = Number(value.slice(0, 4));
  return year >= 1950 && year <= 2049 ? utcTime(value) : generalizedTime(value);
}

/** `[n] EXPLICIT`, or a constructed `[n] IMPLICIT` when given the content of what it stands for. */
export function explicit(n: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return der(0xa0 | n, ...parts);
}

function digits(value: Utc): string {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) throw new Refusal("DER", "not a time in UTC with seconds");
  return value.replace(/[-:T]/g, "");
}
