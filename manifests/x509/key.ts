/** Public keys as certificates carry them: one encoding for each key, so that equal keys have equal bytes (T15). */

import { checkPoint, curveOf } from "../cms/ecdsa.ts";
import type { Scheme, Suite } from "../cms/suite.ts";
import { content, DerReader, tag } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";

/** What a SubjectPublicKeyInfo holds. `modulus` and `exponent` are big-endian without a leading zero. */
export type PublicKey =
  | { readonly kind: "rsa"; readonly bits: number; readonly modulus: Uint8Array; readonly exponent: Uint8Array }
  | { readonly kind: "ec"; readonly scheme: "ecdsa-p256" | "ecdsa-p384"; readonly point: Uint8Array };

/**
 * Refuses with CMS-ALGORITHM a key that does not fit the suite, with PATH-KEY an RSA key below `minimumRsaBits` (never
 * below 2048) or over 8192 bits, an even modulus, an exponent that is even, below 65537 or over 32 bits, and a point
 * that is not on its curve, and any key in other than its one encoding.
 */
export function checkKey(suite: Suite, spki: Uint8Array, minimumRsaBits: number): PublicKey {
  const key = readPublicKey(spki);
  if (!fits(suite.scheme, key)) {
    const got = key.kind === "rsa" ? "an RSA key" : key.scheme;
    throw new Refusal("CMS-ALGORITHM", "the key does not fit the algorithm", { expected: suite.name, got });
  }
  checkStrength(key, minimumRsaBits);
  return key;
}

/** As `checkKey` where no suite is known yet: the key's own strength and form. */
export function checkStrength(key: PublicKey, minimumRsaBits: number): void {
  if (key.kind === "ec") checkPoint(key.scheme, key.point);
  else checkRsa(key, minimumRsaBits);
}

/**
 * Reads a SubjectPublicKeyInfo: rsaEncryption with NULL (RFC 3279 2.3.1), or id-ecPublicKey with a named curve P-256
 * or P-384 and an uncompressed point (RFC 5480 2). Refuses PATH-KEY for anything else.
 */
export function readPublicKey(spki: Uint8Array): PublicKey {
  try {
    return read(spki);
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.code === "PATH-KEY") throw thrown;
    throw new Refusal("PATH-KEY", "a public key is not strict DER", { cause: thrown });
  }
}

/** The bits of a SubjectPublicKeyInfo, whole bytes: what OCSP takes digests of. Refuses PATH-KEY, DER. */
export function publicKeyBits(spki: Uint8Array): Uint8Array {
  const outer = DerReader.open(spki, tag.sequence, "PATH-KEY");
  outer.read(tag.sequence);
  return content(spki, outer.read(tag.bitString)).subarray(1);
}

function read(spki: Uint8Array): PublicKey {
  const outer = DerReader.open(spki, tag.sequence, "PATH-KEY");
  const algorithm = outer.enter(tag.sequence);
  const bits = content(spki, outer.read(tag.bitString));
  outer.finish();
  if (bits[0] !== 0) throw new Refusal("PATH-KEY", "a public key is not of whole bytes");
  const name = algorithm.oid();
  if (name === oid.rsaEncryption) {
    const parameters = algorithm.read(tag.null);
    algorithm.finish();
    if (parameters.start !== parameters.end) throw new Refusal("DER", "a NULL with content");
    return readRsa(bits.subarray(1));
  }
  if (name === oid.ecPublicKey) {
    const curve = curveOf(algorithm.oid());
    algorithm.finish();
    return { kind: "ec", scheme: curve, point: bits.subarray(1) };
  }
  throw new Refusal("PATH-KEY", "not a kind of key that is allowed", { got: name });
}

function checkRsa(key: Extract<PublicKey, { kind: "rsa" }>, minimumRsaBits: number): void {
  const minimum = Math.max(2048, minimumRsaBits);
  if (key.bits < minimum || key.bits > 8192) {
    throw new Refusal("PATH-KEY", "an RSA key of a wrong size", { expected: `${minimum} to 8192`, got: `${key.bits}` });
  }
  if (!odd(key.modulus)) throw new Refusal("PATH-KEY", "an RSA modulus is even");
  const small = key.exponent.length < 3 || (key.exponent.length === 3 && number(key.exponent) < 65537);
  if (small || key.exponent.length > 4 || !odd(key.exponent)) {
    throw new Refusal("PATH-KEY", "an RSA exponent must be odd, at least 65537 and of 32 bits at most");
  }
}

function readRsa(bytes: Uint8Array): PublicKey {
  const reader = DerReader.open(bytes, tag.sequence, "PATH-KEY");
  const modulus = withoutZero(reader.unsigned());
  const exponent = withoutZero(reader.unsigned());
  reader.finish();
  const top = modulus[0] ?? 0;
  const bits = top === 0 ? 0 : modulus.length * 8 - (Math.clz32(top) - 24);
  return { kind: "rsa", bits, modulus, exponent };
}

function fits(scheme: Scheme, key: PublicKey): boolean {
  return key.kind === "rsa" ? scheme === "rsa-pkcs1" || scheme === "rsa-pss" : scheme === key.scheme;
}

function withoutZero(octets: Uint8Array): Uint8Array {
  return octets[0] === 0 && octets.length > 1 ? octets.subarray(1) : octets;
}

function odd(octets: Uint8Array): boolean {
  return ((octets.at(-1) ?? 0) & 1) === 1;
}

function number(octets: Uint8Array): number {
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}
