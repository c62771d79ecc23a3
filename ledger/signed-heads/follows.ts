/** Whether a tree may be signed after another: only one that holds everything of it (RFC 9162 2.1.4), never another root of the same size. */

import { equal } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { checkConsistency, emptyRoot, type TreeHead } from "../../manifests/log/tree-proof.ts";
import { Refusal } from "../../manifests/refusal.ts";

export type { TreeHead };

/** Of the tree without leaves. */
export const emptyHead: TreeHead = { size: 0, root: emptyRoot };

/**
 * Refuses LOG-HEAD a smaller tree than the last, and another root of its size or of the empty tree; LOG-PROOF where `path` does not show that `next` holds all of `last`
 * (an empty path where the sizes are equal, or from nothing).
 */
export async function checkFollows(
  host: Host,
  last: TreeHead,
  next: TreeHead,
  path: readonly Uint8Array[],
): Promise<void> {
  if (next.size < last.size) {
    throw new Refusal("LOG-HEAD", "a larger tree was signed before", {
      expected: `size ${last.size} or more`,
      got: `size ${next.size}`,
    });
  }
  for (const one of [last, emptyHead]) {
    if (next.size !== one.size || equal(next.root, one.root)) continue;
    throw new Refusal("LOG-HEAD", "a size that was signed has one root for ever", {
      expected: one.root.toHex(),
      got: next.root.toHex(),
      about: `size ${next.size}`,
    });
  }
  await checkConsistency(host, { from: last, to: next, path });
}
