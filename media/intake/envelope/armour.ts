/** The armours that envelopes come in: none (BER), PEM (RFC 7468), S/MIME with base64 (RFC 8551 3.2.2). What is inside comes out as a stream. */

import { Refusal } from "../../../manifests/refusal.ts";
import { ByteSource, cutOff } from "./byte-source.ts";

/** The bytes of the envelope. Refuses with ENVELOPE-FORM what is neither BER nor one of the two armours, alone in its file. */
export function* unarmoured(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  const source = new ByteSource(pieces);
  const first = source.peek();
  if (first === undefined) throw cutOff();
  if (first === 0x30) yield* rest(source);
  else if (first === dash) yield* pem(source);
  else if (isLetter(first)) yield* smime(source);
  else throw new Refusal("ENVELOPE-FORM", "the file is neither BER nor PEM nor S/MIME");
}

const dash = 0x2d;
const lineLimit = 1000;
const headLimit = 16 * 1024;
const pieceBytes = 64 * 1024;

function* rest(source: ByteSource): Generator<Uint8Array> {
  for (let bytes = source.some(pieceBytes); bytes.length > 0; bytes = source.some(pieceBytes)) yield bytes;
}

const labels = ["CMS", "PKCS7", "PKCS #7 SIGNED DATA", "SIGNED MESSAGE"];

function* pem(source: ByteSource): Generator<Uint8Array> {
  const label = /^-----BEGIN ([A-Z0-9# ]+)-----$/.exec(line(source).trimEnd())?.[1];
  if (!label || !labels.includes(label)) {
    throw new Refusal("ENVELOPE-FORM", "not the PEM of a CMS message", { expected: `BEGIN ${labels.join(" or ")}` });
  }
  yield* decoded(source);
  if (line(source).trimEnd() !== `-----END ${label}-----`) throw form("the PEM does not end as it began");
  checkNothingMore(source);
}

function* smime(source: ByteSource): Generator<Uint8Array> {
  const headers = readHeaders(source);
  const type = only(headers, "content-type");
  const words = /^application\/(?:x-)?pkcs7-mime\s*(?:;|$)/i.test(type);
  const kind = /;\s*smime-type\s*=\s*"?([^";\s]+)"?/i.exec(type)?.[1] ?? "signed-data";
  if (!words || kind.toLowerCase() !== "signed-data") {
    throw new Refusal("ENVELOPE-FORM", "not the S/MIME of a signed message with its content", {
      expected: "application/pkcs7-mime; smime-type=signed-data",
      got: type.slice(0, 100),
    });
  }
  if (only(headers, "content-transfer-encoding").toLowerCase() !== "base64") {
    throw form("the S/MIME is not in base64");
  }
  yield* decoded(source);
  checkNothingMore(source);
}

/** Header fields up to the empty line, unfolded (RFC 5322 2.2). */
function readHeaders(source: ByteSource): readonly (readonly [string, string])[] {
  const fields: [string, string][] = [];
  for (;;) {
    const text = line(source).replace(/\r?\n$/, "");
    if (text === "") return fields;
    if (source.position > headLimit) throw form(`more than ${headLimit} bytes of header`);
    const last = fields.at(-1);
    if (/^[ \t]/.test(text) && last) last[1] += text;
    else {
      const [, name, value] = /^([!-9;-~]+):[ \t]*(.*)$/.exec(text) ?? [];
      if (name === undefined || value === undefined) throw form("the header is not one of S/MIME");
      fields.push([name.toLowerCase(), value]);
    }
  }
}

function only(fields: readonly (readonly [string, string])[], name: string): string {
  const [value, second] = fields.filter(([one]) => one === name).map(([, text]) => text);
  if (value === undefined || second !== undefined) throw form(`the header must hold ${name} once`);
  return value.trim();
}

/** A line of printable ASCII with its line end, which may be missing at the end of the file. */
function line(source: ByteSource): string {
  let text = "";
  while (source.peek() !== undefined) {
    const byte = source.byte();
    text += String.fromCharCode(byte);
    if (text.length > lineLimit) throw form("a line is too long");
    if (byte === 0x0a) return text;
    if ((byte < 0x20 && byte !== 0x09 && byte !== 0x0d) || byte > 0x7e) throw form("the armour is not ASCII");
  }
  return text;
}

function checkNothingMore(source: ByteSource): void {
  for (let bytes = source.some(pieceBytes); bytes.length > 0; bytes = source.some(pieceBytes)) {
    if (!bytes.every((byte) => isSpace(byte))) throw form("something follows the armour");
  }
}

const values = new Int8Array(256).fill(-1);
for (const [value, character] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].entries()) {
  values[character.charCodeAt(0)] = value;
}
const padding = 0x3d;

/** Base64 (RFC 4648 4) with white space, up to a dash or the end of the file; padded, and no bits lost. */
function* decoded(source: ByteSource): Generator<Uint8Array> {
  let bits = 0;
  let held = 0;
  let padded = 0;
  // One memory for all pieces: a new one for each would stay in memory until it is collected.
  const out = new Uint8Array((pieceBytes / 4) * 3 + 3);
  for (;;) {
    const input = source.ahead();
    if (input.length === 0 || input[0] === dash) break;
    let length = 0;
    let at = 0;
    for (; at < input.length && at < pieceBytes; at++) {
      const byte = input[at] as number;
      const value = values[byte] as number;
      if (value >= 0) {
        if (padded > 0) throw form("base64 goes on after its padding");
        bits = (bits << 6) | value;
        if (++held < 4) continue;
        out[length++] = bits >> 16;
        out[length++] = bits >> 8;
        out[length++] = bits;
        bits = 0;
        held = 0;
      } else if (byte === padding) padded++;
      else if (byte === dash) break;
      else if (!isSpace(byte)) throw form("the armour is not base64");
    }
    source.some(at);
    if (length > 0) yield out.subarray(0, length);
  }
  yield lastOctets(bits, held, padded);
}

function lastOctets(bits: number, held: number, padded: number): Uint8Array {
  if (held === 0 && padded === 0) return new Uint8Array(0);
  if (held === 3 && padded === 1 && (bits & 3) === 0) return Uint8Array.of(bits >> 10, (bits >> 2) & 0xff);
  if (held === 2 && padded === 2 && (bits & 15) === 0) return Uint8Array.of(bits >> 4);
  throw form("base64 does not end as it must");
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

function form(message: string): Refusal {
  return new Refusal("ENVELOPE-FORM", message);
}
