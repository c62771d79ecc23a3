/**
 * The evidence of every group of a bundle's tree, made of the record that the bundle has of the first: an evidence record over one document and its seal needs
 * nothing else of the bundle. A renewal by another hash is over all groups again (RFC 4998 5.2), each with the digest of its own chains before.
 */

import type { HashName } from "../../manifests/cms/suite.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { renewedGroup } from "../../manifests/time/check-evidence.ts";
import {
  type ArchiveTimeStamp,
  type ArchiveTimeStampSequence,
  chainsBefore,
  readEvidenceRecord,
  writeEvidenceRecord,
} from "../../manifests/time/evidence-record.ts";
import { type HashTree, rootOf, TreeBuilder } from "../../manifests/time/hash-tree.ts";
import type { GroupsBy } from "./group-hashes.ts";

/** A record, by a group's place in the tree. */
export type RecordOf = (group: number) => Uint8Array;

/**
 * The records of groups of the tree, made of the batch's own record `der`, whose first time-stamp is over the tree's root, and the first of each further chain over that of the
 * tree that `groups` make again. Refuses TIME-IMPRINT where one is not, and as `groups` does.
 */
export async function recordsOf(host: Host, der: Uint8Array, tree: HashTree, groups: GroupsBy): Promise<RecordOf> {
  const chains = readEvidenceRecord(der);
  const trees: HashTree[] = [];
  let recordOf: RecordOf = () => writeEvidenceRecord([]);
  for (const [at, [first]] of chains.entries()) {
    const { hash, tree: reduced } = first as ArchiveTimeStamp;
    trees.push(at === 0 ? tree : await renewedTree(host, { hash, count: at }, groups, recordOf));
    const own = trees[at] as HashTree;
    if (hash !== own.hash || !equal(await rootOf(host, hash, reduced), own.root)) {
      throw new Refusal("TIME-IMPRINT", "this evidence is not over the tree of this bundle", {
        expected:
          "evidence that `coldseal anchor` made; of a ledger's, `coldseal ledger evidence` gives that of one seal",
      });
    }
    const before = chains.slice(0, at + 1);
    recordOf = (group) => writeEvidenceRecord(inPlace(before, trees, group));
  }
  return recordOf;
}

/** The tree of a renewal by another hash: each group's hashes, each with the digest of the `count` chains of its record (RFC 4998 5.2). */
export async function renewedTree(
  host: Host,
  { count, hash }: { readonly count: number; readonly hash: HashName },
  groups: GroupsBy,
  recordOf: RecordOf,
): Promise<HashTree> {
  const builder = new TreeBuilder(host, hash);
  for (const [at, group] of (await groups(hash)).entries()) {
    await builder.add(await renewedGroup(host, hash, group, chainsBefore(recordOf(at), count)));
  }
  return builder.tree();
}

/** The chains, the first member of each with the way of this group. */
function inPlace(
  chains: ArchiveTimeStampSequence,
  trees: readonly HashTree[],
  group: number,
): ArchiveTimeStampSequence {
  return chains.map(([first, ...renewals], at) => [
    { ...(first as ArchiveTimeStamp), tree: (trees[at] as HashTree).reduced(group) },
    ...renewals,
  ]);
}
