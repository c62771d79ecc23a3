/** The evidence of single documents, taken out of a batch's: an evidence record over the document and its seal, which needs nothing else of the bundle. */

import { equal } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { Refusal } from "../../manifests/refusal.ts";
import {
  type ArchiveTimeStampSequence,
  readEvidenceRecord,
  writeEvidenceRecord,
} from "../../manifests/time/evidence-record.ts";
import { type HashTree, rootOf } from "../../manifests/time/hash-tree.ts";

/**
 * The records of groups of the tree, made of the batch's own record `der`, whose first time-stamp is over the tree's root. Refuses TIME-IMPRINT where it is
 * not, or was renewed over the objects themselves (another hash): those renewals are over the record's group alone.
 */
export async function recordsOf(host: Host, der: Uint8Array, tree: HashTree): Promise<(group: number) => Uint8Array> {
  const chains = readEvidenceRecord(der);
  const [[first, ...renewals] = [], another] = chains as ArchiveTimeStampSequence;
  if (!first || another || first.hash !== tree.hash || !equal(await rootOf(host, tree.hash, first.tree), tree.root)) {
    throw new Refusal("TIME-IMPRINT", "this evidence is not over the tree of this bundle");
  }
  return (group) => writeEvidenceRecord([[{ ...first, tree: tree.reduced(group) }, ...renewals]]);
}
