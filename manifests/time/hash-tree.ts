/**
 * Hash trees of RFC 4998 (4.2, 4.3): in a node the hashes are sorted and hashed together, so that a path is lists of siblings without sides. A leaf
 * is a group of data objects (4.2, step 3): two hashes and more, so that no verifier reads a leaf as a node.
 */

import { type HashName, hashBytes } from "../cms/suite.ts";
import { compare, concat, equal } from "../encoding/bytes.ts";
import { HashRow, levelsOver, siblings } from "../encoding/hash-row.ts";
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

/** Builds a tree group by group. Memory: the groups' hashes and two more for each group, as plain bytes. */
export class TreeBuilder {
  readonly #host: Host;
  readonly #hash: HashName;
  readonly #own: HashRow;
  readonly #leaves: HashRow;
  /** where each group's hashes begin in `own` */
  readonly #starts: number[] = [];

  constructor(host: Host, hash: HashName) {
    this.#host = host;
    this.#hash = hash;
    this.#own = new HashRow(hashBytes[hash]);
    this.#leaves = new HashRow(hashBytes[hash]);
  }

  /** Refuses TIME-FORM a group of less than two different hashes. */
  async add(group: readonly Uint8Array[]): Promise<void> {
    const sorted = [...group].sort(compare);
    const own = sorted.filter((one, at) => at === 0 || !equal(one, sorted[at - 1] as Uint8Array));
    if (own.length < 2) throw new Refusal("TIME-FORM", "a group of less than two hashes");
    this.#starts.push(this.#own.length);
    for (const one of own) this.#own.push(one);
    this.#leaves.push(await nodeHash(this.#host, this.#hash, own));
  }

  /** Refuses TIME-FORM where nothing was added. */
  async tree(): Promise<HashTree> {
    const { root, way } = await treeOver(this.#host, this.#hash, this.#leaves);
    return { hash: this.#hash, root, reduced: (at) => [this.#groupAt(at), ...way(at)] };
  }

  #groupAt(at: number): readonly Uint8Array[] {
    const [start = 0, end = this.#own.length] = this.#starts.slice(at, at + 2);
    return Array.from({ length: end - start }, (_, index) => this.#own.at(start + index));
  }
}

/**
 * The tree over hashes that are nodes already: of groups, or the roots of other trees, whose ways up then go on here. Refuses TIME-FORM where there is none.
 */
export async function treeOver(
  host: Host,
  hash: HashName,
  nodes: HashRow,
): Promise<{ readonly root: Uint8Array; way(at: number): ReducedTree }> {
  const pair = (left: Uint8Array, right: Uint8Array) => nodeHash(host, hash, [left, right].sort(compare));
  const levels = await levelsOver(nodes, pair);
  const top = levels.at(-1);
  if (!top || top.length === 0) throw new Refusal("TIME-FORM", "a hash tree of nothing");
  return { root: top.at(0), way: (at) => siblings(levels, at).map((sibling) => [sibling]) };
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
