/** The Merkle tree hash of RFC 9162 2.1.1 with SHA-256, computed as a stream; its leaves are the lines of documents.jsonl. */

import { concat } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** SHA-256(0x00 || leaf). */
export function leafHash(host: Host, leaf: Uint8Array): Promise<Uint8Array> {
  return host.digest("sha256", concat([leafPrefix, leaf]));
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(host: Host, left: Uint8Array, right: Uint8Array): Promise<Uint8Array> {
  return host.digest("sha256", concat([nodePrefix, left, right]));
}

/** Adds leaves one by one; holds one hash a level. Await each `add` before the next. */
export class MerkleRoot {
  readonly #host: Host;
  /** roots of full subtrees, the largest first; the bits of `#count` are their sizes */
  readonly #subtrees: Uint8Array[] = [];
  #count = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  get count(): number {
    return this.#count;
  }

  async add(leaf: Uint8Array): Promise<void> {
    let hash = leaf;
    for (let size = this.#count; size % 2 === 1; size = Math.floor(size / 2)) {
      hash = await nodeHash(this.#host, this.#subtrees.pop() as Uint8Array, hash);
    }
    this.#subtrees.push(hash);
    this.#count++;
  }

  /** The root of what was added so far; of the empty tree SHA-256 of nothing. More may be added afterwards. */
  async root(): Promise<Uint8Array> {
    let root = this.#subtrees.at(-1);
    if (!root) return this.#host.digest("sha256", new Uint8Array(0));
    for (let at = this.#subtrees.length - 2; at >= 0; at--) {
      root = await nodeHash(this.#host, this.#subtrees[at] as Uint8Array, root);
    }
    return root;
  }
}
