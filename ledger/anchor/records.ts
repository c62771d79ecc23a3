/**
 * Evidence records (RFC 4998) of a manifest, made of its own files and what the store has of its round: of its record as a whole, or of one line of its list. Each needs
 * nothing else of the ledger.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { renewedGroup } from "../../manifests/time/check-evidence.ts";
import { chainsBefore, writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import type { HashTree } from "../../manifests/time/hash-tree.ts";
import type { Sql } from "../store/database.ts";
import { type Group, groupsOf, treeOf } from "./groups.ts";
import { chainsOf, type StoredChain } from "./stored-chains.ts";

/** A record, DER: 0 is the batch's, n that of line n. */
export type RecordOf = (group: number) => Uint8Array;

/** The records of a manifest by a round. Refuses STORE. */
export async function recordsOf(sql: Sql, round: number, manifest: number): Promise<RecordOf> {
  return recordsIn(sql, manifest, await chainsOf(sql, round, manifest));
}

async function recordsIn(sql: Sql, manifest: number, chains: readonly StoredChain[]): Promise<RecordOf> {
  const trees: HashTree[] = [];
  let recordOf: RecordOf = () => writeEvidenceRecord([]);
  for (const [at, { hash }] of chains.entries()) {
    trees.push(await chainTree(sql, manifest, { hash, count: at }, recordOf));
    const sofar = chains.slice(0, at + 1);
    recordOf = (group) => writeEvidenceRecord(sofar.map((chain, place) => inPlace(chain, trees[place], group)));
  }
  return recordOf;
}

/** The tree of a manifest in a further chain (5.2): each group's hashes by that hash, with the digest of the `count` chains that its record has before. */
export async function chainTree(
  sql: Sql,
  manifest: number,
  { count, hash }: { readonly hash: HashName; readonly count: number },
  recordOf: RecordOf,
): Promise<HashTree> {
  const groups = groupsOf(sql, manifest, hash);
  return treeOf(hash, count === 0 ? groups : renewed(groups, { count, hash }, recordOf));
}

async function* renewed(
  groups: AsyncIterable<Group>,
  { count, hash }: { readonly hash: HashName; readonly count: number },
  recordOf: RecordOf,
): AsyncGenerator<Group> {
  let at = 0;
  for await (const group of groups) {
    yield await renewedGroup(nodeHost, hash, group, chainsBefore(recordOf(at++), count));
  }
}

function inPlace({ hash, tokens, way }: StoredChain, tree: HashTree | undefined, group: number) {
  return tokens.map(({ token, tree: over }, at) => ({
    hash,
    token,
    tree: at === 0 ? [...(tree?.reduced(group) ?? []), ...way] : over,
  }));
}
