/**
 * Hash trees of RFC 4998 (4.2, 4.3): in a node the hashes are sorted and hashed together, so that a path is lists of siblings without sides. A leaf
 * is a group of data objects (4.2, step 3): two hashes and more, so that no verifier reads a leaf as a node.
 */

import type { HashName } from "../cms/suite.ts";
import { compare, concat, equal } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";

/** A group's own hashes first, sorted; then the siblings on the way up, each list sorted (reducedHashtree). */
export type ReducedTree = readonly (readonly Uint8Array[])[];

export interface HashTree {
  readonly hash: HashName;
  readonly root: Uint8Array;
  /** The way from a group up, by the group's place. */
  reduced(at: number): ReducedTree;
}

/** Builds the tree over groups of hashes, each of two different ones at least. Memory: 64 bytes and two digests a group. */
export async function hashTree(
  host: Host,
  hash: HashName,
  groups: readonly (readonly Uint8Array[])[],
): Promise<HashTree> {
  if (groups.length === 0) throw new Refusal("TIME-FORM", "a hash tree of nothing");
  const sorted = groups.map((group) => sortedOnce(group));
  if (sorted.some((group) => group.length < 2)) throw new Refusal("TIME-FORM", "a group of less than two hashes");
  const levels: (readonly Uint8Array[])[] = [await Promise.all(sorted.map((group) => nodeHash(host, hash, group)))];
  for (
    let below = levels[0] as readonly Uint8Array[];
    below.length > 1;
    below = levels.at(-1) as readonly Uint8Array[]
  ) {
    levels.push(await levelAbove(host, hash, below));
  }
  return {
    hash,
    root: (levels.at(-1) as readonly Uint8Array[])[0] as Uint8Array,
    reduced: (at) => [sorted[at] as readonly Uint8Array[], ...siblings(levels, at)],
  };
}

/** The root that a reduced tree leads to; what of it is said of the data is the caller's to hold against it. */
export async function rootOf(host: Host, hash: HashName, tree: ReducedTree): Promise<Uint8Array> {
  let node: Uint8Array | undefined;
  for (const list of tree) node = await nodeHash(host, hash, [...list, ...(node ? [node] : [])].sort(compare));
  if (!node) throw new Refusal("TIME-FORM", "a hash tree without hashes");
  return node;
}

/** RFC 4998 4.3: a hash alone stands for itself. */
async function nodeHash(host: Host, hash: HashName, sorted: readonly Uint8Array[]): Promise<Uint8Array> {
  return sorted.length === 1 ? (sorted[0] as Uint8Array) : host.digest(hash, concat(sorted));
}

/** Neighbours in pairs; one that is left over goes up as it is. */
function levelAbove(host: Host, hash: HashName, below: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const pairs = Array.from({ length: Math.ceil(below.length / 2) }, (_, at) => below.slice(2 * at, 2 * at + 2));
  return Promise.all(pairs.map((pair) => nodeHash(host, hash, pair.sort(compare))));
}

function siblings(levels: readonly (readonly Uint8Array[])[], leaf: number): readonly (readonly Uint8Array[])[] {
  return levels.slice(0, -1).flatMap((level, height) => {
    const sibling = level[(leaf >> height) ^ 1];
    return sibling ? [[sibling]] : [];
  });
}

function sortedOnce(group: readonly Uint8Array[]): readonly Uint8Array[] {
  const sorted = [...group].sort(compare);
  return sorted.filter((one, at) => at === 0 || !equal(one, sorted[at - 1] as Uint8Array));
}
