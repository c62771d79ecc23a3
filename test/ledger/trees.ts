/** Trees of leaves from numbers, by RFC 9162's own definitions, and a second history of the same log. */

import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { consistencyPath, mth } from "../manifests/log/reference-tree.ts";

export interface History {
  head(size: number): TreeHead;
  path(from: number, to: number): readonly Uint8Array[];
}

/** The leaves are the numbers from 0, but from `forkedAt` on others. */
export function history(forkedAt = Number.POSITIVE_INFINITY): History {
  const leaves = (size: number) =>
    Array.from({ length: size }, (_, at) => new TextEncoder().encode(`${at}${at < forkedAt ? "" : " forked"}`));
  return {
    head: (size) => ({ size, root: mth(leaves(size)) }),
    path: (from, to) => consistencyPath(from, leaves(to)),
  };
}
