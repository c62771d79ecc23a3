/** Inclusion and consistency proofs of a log's Merkle tree (RFC 9162 2.1.3 and 2.1.4, the trees of RFC 6962), with SHA-256. */

import { equal } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { half, nodeHash, rootOver } from "../records/merkle.ts";
import { Refusal } from "../refusal.ts";

/** A tree by its count of leaves and its root. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

export interface InclusionClaim extends TreeHead {
  /** SHA-256(0x00 || leaf) */
  readonly leafHash: Uint8Array;
  /** from 0 */
  readonly index: number;
  /** siblings from the leaf up */
  readonly path: readonly Uint8Array[];
}

export interface ConsistencyClaim {
  readonly from: TreeHead;
  readonly to: TreeHead;
  readonly path: readonly Uint8Array[];
}

/** A tree of 2^53 leaves has as many levels: of an inclusion path the longest; a consistency path may have one more. */
export const mostPath = 53;

/** Root of the tree without leaves: SHA-256 of nothing (RFC 9162 2.1.1). */
export const emptyRoot: Uint8Array = Uint8Array.fromHex(
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
);

/** Refuses LOG-PROOF a leaf that the path does not lead from to the root (RFC 9162 2.1.3.2), and an index behind the tree's end. */
export async function checkInclusion(host: Host, claim: InclusionClaim): Promise<void> {
  const { index, leafHash, path, root, size } = claim;
  checkHashes([leafHash, root, ...path]);
  if (!isCount(index) || !isCount(size) || index >= size) {
    throw new Refusal("LOG-PROOF", "a log's entry stands behind the tree's end", {
      expected: `an index below ${size}`,
      got: `${index}`,
    });
  }
  const led = await rootOver(host, { index, leafHash, size }, path);
  if (!led) throw wrongLength("an inclusion path", path);
  if (!equal(led, root)) throw new Refusal("LOG-PROOF", "an inclusion path leads to another root");
}

/**
 * Refuses LOG-PROOF two trees of which the second does not have the first's leaves in front (RFC 9162 2.1.4.2). Every tree grows out of the empty one, and
 * a tree of the same size must be the same; both need no path, and a path is refused.
 */
export async function checkConsistency(host: Host, { from, path, to }: ConsistencyClaim): Promise<void> {
  checkHashes([from.root, to.root, ...path]);
  for (const head of [from, to]) checkHead(head);
  if (from.size > to.size) {
    throw new Refusal("LOG-PROOF", "a log's tree became smaller", {
      expected: `${from.size} leaves or more`,
      got: `${to.size}`,
    });
  }
  if (from.size === 0 || from.size === to.size) {
    if (path.length > 0) throw wrongLength("a consistency path", path);
    if (from.size === 0 || equal(from.root, to.root)) return;
    throw new Refusal(
      "LOG-PROOF",
      "two trees of one size have different roots: the log shows different people different entries",
    );
  }
  await checkGrown(host, { from, path, to });
}

/** RFC 9162 2.1.4.2, in its letters: fn and sn are the last leaf's place in either tree, fr and sr the roots that the path leads to. */
async function checkGrown(host: Host, { from, path, to }: ConsistencyClaim): Promise<void> {
  let fn = from.size - 1;
  let sn = to.size - 1;
  for (; fn % 2 === 1; fn = half(fn)) sn = half(sn);
  // Where the first tree is full, its root is the first node, and left out of the path.
  const [first, ...rest] = fn === 0 ? [from.root, ...path] : path;
  if (first === undefined) throw wrongLength("a consistency path", path);
  let fr = first;
  let sr = first;
  for (const c of rest) {
    if (sn === 0) throw wrongLength("a consistency path", path);
    if (fn % 2 === 1 || fn === sn) {
      fr = await nodeHash(host, c, fr);
      sr = await nodeHash(host, c, sr);
      for (; fn % 2 === 0 && fn > 0; fn = half(fn)) sn = half(sn);
    } else {
      sr = await nodeHash(host, sr, c);
    }
    fn = half(fn);
    sn = half(sn);
  }
  if (sn !== 0) throw wrongLength("a consistency path", path);
  if (equal(fr, from.root) && equal(sr, to.root)) return;
  throw new Refusal(
    "LOG-PROOF",
    "a consistency path leads to other roots: what the log had was changed, or the proof is of another",
  );
}

function checkHead({ root, size }: TreeHead): void {
  if (!isCount(size)) throw new Refusal("LOG-PROOF", "a tree's size is no whole number below 2^53");
  if (size === 0 && !equal(root, emptyRoot)) {
    throw new Refusal("LOG-PROOF", "a tree of size 0 has another root than the empty tree");
  }
}

function checkHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.some(({ length }) => length !== 32)) throw new Refusal("LOG-PROOF", "a hash of a proof is not 32 bytes");
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function wrongLength(what: string, path: readonly Uint8Array[]): Refusal {
  return new Refusal("LOG-PROOF", `${what} is not as long as the sizes ask for`, { got: `${path.length} hashes` });
}
