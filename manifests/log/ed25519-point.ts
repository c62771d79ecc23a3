/**
 * Which 32 bytes may be pinned as an Ed25519 public key (RFC 8032 5.1.3): a point on the curve, in its one canonical encoding, and none of the eight of
 * small order, under which a signature holds for texts that nobody signed. Verifiers differ in what they do with those, so none is ever asked. Pure.
 */

import { concat } from "../encoding/bytes.ts";
import { Refusal } from "../refusal.ts";

/** SubjectPublicKeyInfo of an Ed25519 key up to the point itself, its last 32 bytes (RFC 8410 4). */
const front = Uint8Array.fromHex("302a300506032b6570032100");

/** SubjectPublicKeyInfo in DER of a point of 32 bytes, which is not looked at. */
export function ed25519Spki(point: Uint8Array): Uint8Array {
  return concat([front, point]);
}

/** The point of an Ed25519 key's SubjectPublicKeyInfo. */
export function pointOfSpki(spki: Uint8Array): Uint8Array {
  return spki.slice(-32);
}

const prime = 2n ** 255n - 19n;
/** d of edwards25519: -121665 / 121666 */
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** y of the points of order 1, 2, 4 and, twice, 8; x and -x have the same y. */
const smallOrder: readonly bigint[] = [
  1n,
  prime - 1n,
  0n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
];

/** Refuses LOG-NOTE what is no such point. */
export function checkEd25519Point(key: Uint8Array): void {
  if (key.length !== 32) throw refusal("an Ed25519 key has 32 bytes", `${key.length} bytes`);
  const y = BigInt(`0x${key.toReversed().toHex()}`) & (2n ** 255n - 1n); // little endian; the topmost bit is the sign of x
  if (y >= prime) throw refusal("an Ed25519 key is not in its canonical encoding");
  if (smallOrder.includes(y)) throw refusal("an Ed25519 key is a point of small order, under which anything may hold");
  if (!isSquare(modulo((y * y - 1n) * (d * y * y + 1n)))) throw refusal("an Ed25519 key is no point of the curve");
}

/** Whether a root exists (Euler); of a quotient u/v the same as of u*v, as they differ by the square of v. */
function isSquare(value: bigint): boolean {
  return power(value, (prime - 1n) / 2n) === 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

function modulo(value: bigint): bigint {
  const rest = value % prime;
  return rest < 0n ? rest + prime : rest;
}

function refusal(message: string, got?: string): Refusal {
  return new Refusal("LOG-NOTE", message, got === undefined ? {} : { got });
}
