/**
 * One tree over several manifests: each has its own, and the roots of these are the leaves of another. What is kept of a manifest is its way through that one, a few
 * hashes; everything below is made again of the manifest's own files whenever a record is wanted.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { type HashName, hashBytes } from "../../manifests/cms/suite.ts";
import { concat, equal } from "../../manifests/encoding/bytes.ts";
import { HashRow } from "../../manifests/encoding/hash-row.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type HashTree, type ReducedTree, rootOf, treeOver } from "../../manifests/time/hash-tree.ts";

export interface RoundTree {
  readonly hash: HashName;
  readonly root: Uint8Array;
  /** by the place of a manifest */
  readonly ways: readonly Uint8Array[];
}

/** Takes the trees one after another, and keeps of each its root and the way of its first group. */
export class RoundTreeBuilder {
  readonly #hash: HashName;
  readonly #roots: HashRow;
  readonly #firsts: ReducedTree[] = [];

  constructor(hash: HashName) {
    this.#hash = hash;
    this.#roots = new HashRow(hashBytes[hash]);
  }

  add(tree: HashTree): void {
    this.#roots.push(tree.root);
    this.#firsts.push(tree.reduced(0));
  }

  /** Refuses TIME-FORM where nothing was added; INTERNAL unless each first group leads to the root, since this is kept for decades. */
  async tree(): Promise<RoundTree> {
    const { root, way } = await treeOver(nodeHost, this.#hash, this.#roots);
    const ways: Uint8Array[] = [];
    for (const [at, first] of this.#firsts.entries()) {
      if (!equal(await rootOf(nodeHost, this.#hash, [...first, ...way(at)]), root)) {
        throw new Refusal("INTERNAL", "a hash tree that does not lead to its root");
      }
      ways.push(wayBytes(way(at)));
    }
    return { hash: this.#hash, root, ways };
  }
}

/** As it is stored: lists of one hash each, one behind the other. */
export function wayBytes(way: ReducedTree): Uint8Array {
  return concat(way.flat());
}

/** Refuses STORE what is no number of hashes. */
export function wayFrom(bytes: Uint8Array, hash: HashName): ReducedTree {
  const width = hashBytes[hash];
  if (!width || bytes.length % width !== 0) {
    throw new Refusal("STORE", "a way through a hash tree is not of whole hashes", { got: `${bytes.length} bytes` });
  }
  return Array.from({ length: bytes.length / width }, (_, at) => [bytes.slice(at * width, (at + 1) * width)]);
}
