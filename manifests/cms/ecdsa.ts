/** What ECDSA needs in pure code: the curves' numbers, the one form of a point and of a signature (T10). */

import { compare } from "../encoding/bytes.ts";
import { DerReader, tag } from "../encoding/der-read.ts";
import { sequence, unsignedInteger } from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import { Recent } from "../encoding/recent.ts";
import { Refusal } from "../refusal.ts";

export type EcScheme = "ecdsa-p256" | "ecdsa-p384";

interface Curve {
  readonly oid: string;
  readonly bytes: number;
  /** the field's prime, the coefficient b (a is -3), the order of the group (SP 800-186 3.2.1) */
  readonly prime: bigint;
  readonly b: bigint;
  readonly order: Uint8Array;
}

const curves: Readonly<Record<EcScheme, Curve>> = {
  "ecdsa-p256": {
    oid: oid.p256,
    bytes: 32,
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    order: Uint8Array.fromHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
  },
  "ecdsa-p384": {
    oid: oid.p384,
    bytes: 48,
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    order: Uint8Array.fromHex(
      "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
  },
};

/** The curve of a namedCurve identifier; refuses PATH-KEY for others. */
export function curveOf(identifier: string): EcScheme {
  if (identifier === oid.p256) return "ecdsa-p256";
  if (identifier === oid.p384) return "ecdsa-p384";
  throw new Refusal("PATH-KEY", "not a curve that is allowed", { got: identifier });
}

/** Refuses PATH-KEY unless `point` is uncompressed (SEC 1 2.3.3), in range and on the curve; its order is then the group's. */
export function checkPoint(scheme: EcScheme, point: Uint8Array): void {
  if (checked.find(point) === scheme) return;
  const { bytes, prime, b } = curves[scheme];
  if (point[0] !== 4 || point.length !== 1 + 2 * bytes)
    throw new Refusal("PATH-KEY", "an EC point is not in uncompressed form");
  const x = number(point.subarray(1, 1 + bytes));
  const y = number(point.subarray(1 + bytes));
  if (x >= prime || y >= prime || (y * y - (x * x * x - 3n * x + b)) % prime !== 0n) {
    throw new Refusal("PATH-KEY", "an EC point is not on its curve");
  }
  checked.keep(new Uint8Array(point), scheme);
}

/** Points that were found right: a batch's seals are all of one key, or two. */
const checked = new Recent<EcScheme>(16);

/** Refuses CMS-SIGNATURE unless it is DER SEQUENCE { r, s } with both from 1 to the group's order - 1 (RFC 5753 7.2, SEC 1 4.1.4). */
export function checkEcdsaForm(scheme: EcScheme, signature: Uint8Array): void {
  const { bytes, order } = curves[scheme];
  if (signature.length > 2 * bytes + 10) throw new Refusal("CMS-SIGNATURE", "an ECDSA signature is too long");
  let r: Uint8Array;
  let s: Uint8Array;
  try {
    const reader = DerReader.open(signature, tag.sequence, "CMS-SIGNATURE");
    r = withoutSign(reader.unsigned());
    s = withoutSign(reader.unsigned());
    reader.finish();
  } catch (cause) {
    throw new Refusal("CMS-SIGNATURE", "an ECDSA signature is not DER", { cause });
  }
  if (!isBelow(r, order) || !isBelow(s, order))
    throw new Refusal("CMS-SIGNATURE", "an ECDSA signature is out of range");
}

/** The CMS form of what a token returns: r and s side by side, each as long as the order (PKCS#11 6.3.1). Refuses HSM-SIGNATURE. */
export function ecdsaFromRaw(scheme: EcScheme, raw: Uint8Array): Uint8Array {
  const { bytes } = curves[scheme];
  if (raw.length !== 2 * bytes) throw new Refusal("HSM-SIGNATURE", "an ECDSA signature of a wrong length");
  return sequence(unsignedInteger(raw.subarray(0, bytes)), unsignedInteger(raw.subarray(bytes)));
}

/** r and s side by side, each as long as the order, as IEEE P1363 and WebCrypto have it. Refuses CMS-SIGNATURE as `checkEcdsaForm`. */
export function ecdsaToRaw(scheme: EcScheme, signature: Uint8Array): Uint8Array {
  checkEcdsaForm(scheme, signature);
  const { bytes } = curves[scheme];
  const raw = new Uint8Array(2 * bytes);
  const reader = DerReader.open(signature, tag.sequence, "CMS-SIGNATURE");
  for (const end of [bytes, 2 * bytes]) {
    const number = withoutSign(reader.unsigned());
    raw.set(number, end - number.length);
  }
  return raw;
}

/** Without the zero in front that only keeps a number from being negative; nothing is left of 0. */
function withoutSign(octets: Uint8Array): Uint8Array {
  return octets[0] === 0 ? octets.subarray(1) : octets;
}

/** Whether a number in the fewest octets is from 1 to `order` - 1. */
function isBelow(number: Uint8Array, order: Uint8Array): boolean {
  if (number.length !== order.length) return number.length > 0 && number.length < order.length;
  return compare(number, order) < 0;
}

function number(octets: Uint8Array): bigint {
  return BigInt(`0x0${octets.toHex()}`);
}
