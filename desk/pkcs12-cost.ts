/** What a PKCS#12 file may cost before its password is known to be right: the iterations that it asks for (RFC 7292, RFC 8018). */

import forge from "node-forge";
import { Refusal } from "../manifests/refusal.ts";

/** Of all key derivations of a file together; browsers write three of 600,000. About ten seconds of node-forge. */
export const mostIterations = 2_000_000;

const deepest = 24;

/**
 * Refuses with CONFIG a file that asks for more than `mostIterations`. A count stands after the salt: every INTEGER
 * that follows an OCTET STRING in a SEQUENCE is taken for one. What stands inside an encrypted part is not seen: whoever
 * made that knew the password.
 */
export function checkIterations(asn1: forge.asn1.Asn1): void {
  const asked = iterationsIn(asn1, 0);
  if (asked <= mostIterations) return;
  throw new Refusal("CONFIG", "the PKCS#12 file asks for too many iterations", {
    expected: `at most ${mostIterations} in all`,
    got: Number.isSafeInteger(asked) ? `${asked}` : "more than can be counted",
  });
}

function iterationsIn({ type, value }: forge.asn1.Asn1, depth: number): number {
  if (depth > deepest) return 0;
  const parts = typeof value === "string" ? opened(type, value) : value;
  let sum = 0;
  parts.forEach((part, at) => {
    const before = parts[at - 1];
    if (isPlain(part, forge.asn1.Type.INTEGER) && before && isPlain(before, forge.asn1.Type.OCTETSTRING)) {
      sum += Number(`0x0${forge.util.bytesToHex(part.value as string)}`);
    }
    sum += iterationsIn(part, depth + 1);
  });
  return sum;
}

/** The element that an OCTET STRING holds, where it holds one. */
function opened(type: forge.asn1.Type, value: string): readonly forge.asn1.Asn1[] {
  if (type !== forge.asn1.Type.OCTETSTRING) return [];
  try {
    return [forge.asn1.fromDer(value)];
  } catch {
    return []; // a salt, or something encrypted
  }
}

function isPlain({ type, tagClass, value }: forge.asn1.Asn1, wanted: forge.asn1.Type): boolean {
  return tagClass === forge.asn1.Class.UNIVERSAL && type === wanted && typeof value === "string";
}
