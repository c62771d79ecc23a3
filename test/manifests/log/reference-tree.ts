/** RFC 9162's recursive definitions, word for word, to hold the code against: 2.1.1 (MTH), 2.1.3.1 (PATH), 2.1.4.1 (PROOF). */

import { createHash } from "node:crypto";

type Leaves = readonly Uint8Array[];

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const node = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right);

/** the largest power of two smaller than n */
const split = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

export function leafOf(leaf: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), leaf);
}

export function mth(d: Leaves): Uint8Array {
  if (d.length === 0) return sha256();
  if (d.length === 1) return leafOf(d[0] as Uint8Array);
  const k = split(d.length);
  return node(mth(d.slice(0, k)), mth(d.slice(k)));
}

export function inclusionPath(m: number, d: Leaves): readonly Uint8Array[] {
  if (d.length === 1) return [];
  const k = split(d.length);
  return m < k
    ? [...inclusionPath(m, d.slice(0, k)), mth(d.slice(k))]
    : [...inclusionPath(m - k, d.slice(k)), mth(d.slice(0, k))];
}

export function consistencyPath(m: number, d: Leaves): readonly Uint8Array[] {
  return m === 0 || m === d.length ? [] : subproof(m, d, true);
}

function subproof(m: number, d: Leaves, whole: boolean): readonly Uint8Array[] {
  if (m === d.length) return whole ? [] : [mth(d)];
  const k = split(d.length);
  return m <= k
    ? [...subproof(m, d.slice(0, k), whole), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))];
}
