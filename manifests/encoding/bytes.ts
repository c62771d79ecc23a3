/** Conversions between bytes and the text forms that the formats use, and a comparison that takes constant time. */

import { Refusal, type RefusalCode } from "../refusal.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Decodes UTF-8 strictly (no replacement, a byte order mark is kept). Refuses with JSON unless said. */
export function fromUtf8(bytes: Uint8Array, code: RefusalCode = "JSON"): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new Refusal(code, "text is not UTF-8", { cause });
  }
}

/** Lower-case hex. */
export function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Refuses with SHAPE what is not lower-case hex of whole bytes. */
export function checkHex(text: string): void {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new Refusal("SHAPE", "expected lower-case hex");
}

/** Reads lower-case hex; refuses anything else with SHAPE. */
export function fromHex(text: string): Uint8Array {
  checkHex(text);
  return Uint8Array.fromHex(text);
}

/** Standard base64 with padding (RFC 4648 4). */
export function base64(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/** Reads standard base64 with padding, canonical form only; refuses anything else with SHAPE. */
export function fromBase64(text: string): Uint8Array {
  try {
    const bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
    if (bytes.toBase64() === text) return bytes;
  } catch {
    // falls through to the refusal
  }
  throw new Refusal("SHAPE", "expected canonical base64");
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Equality in time that depends on the length only, or none where both are the same memory. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  const { length } = a;
  if (length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < length; at++) difference |= (a[at] as number) ^ (b[at] as number);
  return difference === 0;
}

/** Byte order, a prefix first (the order of DER SET OF, X.690 11.6, once encodings are self-delimiting). */
export function compare(a: Uint8Array, b: Uint8Array): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
