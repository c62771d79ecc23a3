/** A small seeded generator (sfc32), so that a run can be made again from the seed that it printed. */

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: number, name = "") {
    this.#a = seed | 0;
    this.#b = hash32(name);
    this.#c = 0x9e3779b9;
    for (let round = 0; round < 12; round++) this.next();
  }

  /** A whole number from 0 to 2^32-1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 up to and not including `end`; 0 for an end below 1. */
  below(end: number): number {
    return end < 1 ? 0 : Math.floor((this.next() / 2 ** 32) * end);
  }

  chance(probability: number): boolean {
    return this.next() < probability * 2 ** 32;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() & 0xff);
  }
}

/** FNV-1a of text or bytes. */
export function hash32(of: string | Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < of.length; at++) {
    hash ^= typeof of === "string" ? of.charCodeAt(at) : (of[at] as number);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The input cut into pieces, in a way that the input itself decides: whole, even pieces, or pieces of random sizes. */
export function piecesOf(input: Uint8Array): readonly Uint8Array[] {
  const random = new Random(hash32(input), "pieces");
  const kind = random.below(4);
  if (kind === 0) return [input];
  const size = random.pick([1, 2, 7, 64, 500, 4096]);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < input.length; ) {
    const length = kind === 1 ? Math.max(size, Math.ceil(input.length / 2000)) : 1 + random.below(size * 8);
    pieces.push(input.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
