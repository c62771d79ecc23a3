/** The tree over groups of hashes that are all there. */

import { nodeHost } from "../../../host/crypto-host.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import { type HashTree, TreeBuilder } from "../../../manifests/time/hash-tree.ts";

export async function treeOf(hash: HashName, groups: readonly (readonly Uint8Array[])[]): Promise<HashTree> {
  const builder = new TreeBuilder(nodeHost, hash);
  for (const group of groups) await builder.add(group);
  return builder.tree();
}
