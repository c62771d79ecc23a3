/** The levels of a binary hash tree, whatever its nodes hash: neighbours in pairs, and one that is left over goes up as it is (RFC 4998 4.2, RFC 9162 2.1). */

import { Refusal } from "../refusal.ts";

/** All levels from the leaves up; the last has the root alone. `pair` is the hash of a node. Of no leaves: one empty level. */
export async function levelsOver(
  leaves: HashRow,
  pair: (left: Uint8Array, right: Uint8Array) => Promise<Uint8Array>,
): Promise<readonly HashRow[]> {
  const levels = [leaves];
  for (let below = leaves; below.length > 1; below = levels.at(-1) as HashRow) {
    const above = new HashRow(below.width);
    for (let at = 0; at < below.length; at += 2) {
      above.push(at + 1 < below.length ? await pair(below.at(at), below.at(at + 1)) : below.at(at));
    }
    levels.push(above);
  }
  return levels;
}

/** The siblings of a leaf, by its place from 0, and of the nodes above it. */
export function siblings(levels: readonly HashRow[], leaf: number): readonly Uint8Array[] {
  return levels.slice(0, -1).flatMap((level, height) => {
    const sibling = (leaf >> height) ^ 1;
    return sibling < level.length ? [level.at(sibling)] : [];
  });
}

/** Hashes of one length behind each other, as an object for each would take several times as much. */
export class HashRow {
  readonly width: number;
  #bytes: Uint8Array;
  #length = 0;

  constructor(width: number) {
    this.width = width;
    this.#bytes = new Uint8Array(64 * width);
  }

  get length(): number {
    return this.#length;
  }

  push(hash: Uint8Array): void {
    if (hash.length !== this.width) throw new Refusal("TIME-FORM", "a hash is not as long as its algorithm says");
    const at = this.#length * this.width;
    if (at === this.#bytes.length) {
      const larger = new Uint8Array(2 * at);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(hash, at);
    this.#length++;
  }

  at(index: number): Uint8Array {
    return this.#bytes.subarray(index * this.width, (index + 1) * this.width);
  }
}
