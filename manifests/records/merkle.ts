/** The Merkle tree hash of RFC 9162 2.1.1 with SHA-256, computed as a stream; its leaves are the lines of documents.jsonl. */

import { concat } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";

const leafPrefix = Uint8Array.of(0);
/** What is hashed next is put together here: to make new memory for each of many costs a third of it. A host takes the bytes before it returns. */
const room = new Uint8Array(8192);

/** SHA-256(0x00 || leaf). */
export function leafHash(host: Host, leaf: Uint8Array): Promise<Uint8Array> {
  if (leaf.length >= room.length) return host.digest("sha256", concat([leafPrefix, leaf]));
  room[0] = 0;
  room.set(leaf, 1);
  return host.digest("sha256", room.subarray(0, leaf.length + 1));
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(host: Host, left: Uint8Array, right: Uint8Array): Promise<Uint8Array> {
  room[0] = 1;
  room.set(left, 1);
  room.set(right, 1 + left.length);
  return host.digest("sha256", room.subarray(0, 1 + left.length + right.length));
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

/** A leaf's place: its index from 0 in a tree of `size` leaves. */
export interface LeafPlace {
  readonly leafHash: Uint8Array;
  readonly index: number;
  readonly size: number;
}

/** The root that a leaf and the siblings on its way up lead to (RFC 9162 2.1.3.2); null where there are not as many as its place asks for. */
export async function rootOver(
  host: Host,
  { index, leafHash, size }: LeafPlace,
  path: readonly Uint8Array[],
): Promise<Uint8Array | null> {
  let node = leafHash;
  let used = 0;
  for (let at = index, last = size - 1; last > 0; at = half(at), last = half(last)) {
    if (at === last && at % 2 === 0) continue; // left over on this level: it goes up as it is
    const sibling = path[used++];
    if (sibling === undefined) return null;
    node = at % 2 === 1 ? await nodeHash(host, sibling, node) : await nodeHash(host, node, sibling);
  }
  return used === path.length ? node : null;
}

/** Half, without the remainder; of 2^32 and more, which shifts do not hold. */
export function half(count: number): number {
  return Math.floor(count / 2);
}
