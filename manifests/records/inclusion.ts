/**
 * inclusion.json: one line of documents.jsonl and its way to the root that the manifest names (RFC 9162 2.1.3), for whoever is shown one document and
 * shall not read what the others were called. A sibling is a digest over lines that hold the digests of seals, which nobody can guess.
 */

import { fromHex, hex } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import { type HashRow, levelsOver, siblings } from "../encoding/hash-row.ts";
import { hexText, integer, list, object, type Read } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { listLeaf, readListEntry } from "./documents-list.ts";
import { leafHash, nodeHash, rootOver } from "./merkle.ts";

/** A tree of 2^53 leaves has as many levels. */
const mostLevels = 53;

const readInclusionShape = object({
  /** siblings from the leaf up, hex (inclusion_path) */
  inclusionPath: list(hexText(), 0, mostLevels),
  /** the line */
  leaf: readListEntry,
  /** lines of the list (tree_size) */
  treeSize: integer(1),
});
export type Inclusion = Read<typeof readInclusionShape>;

/** Reads inclusion.json. Refuses JSON, SHAPE, DOCUMENT-NAME; whether it leads to a root says `includedRoot`. */
export function readInclusion(bytes: Uint8Array): Inclusion {
  const inclusion = readInclusionShape(readCanonical(bytes), "inclusion");
  const { leaf, treeSize } = inclusion;
  if (leaf.index <= treeSize) return inclusion;
  throw new Refusal("SHAPE", "the line stands behind the end of its list", {
    expected: `index 1 to ${treeSize}`,
    got: `index ${leaf.index}`,
  });
}

/** As it stands in the file. */
export function inclusionBytes(inclusion: Inclusion): Uint8Array {
  return canonicalBytes(inclusion as Json);
}

/** The root that line and path lead to (RFC 9162 2.1.3.2). Refuses SHAPE a path that is not as long as the line's place in a list of that size asks for. */
export async function includedRoot(host: Host, { inclusionPath, leaf, treeSize }: Inclusion): Promise<Uint8Array> {
  const place = { leafHash: await leafHash(host, listLeaf(leaf)), index: leaf.index - 1, size: treeSize };
  const root = await rootOver(host, place, inclusionPath.map(fromHex));
  if (root) return root;
  throw new Refusal("SHAPE", "the inclusion path is not as long as the line's place in its list asks for", {
    got: `${inclusionPath.length} hashes`,
  });
}

/** The ways of all leaves of one list, by the index of a line (RFC 9162 2.1.3.1). `leaves` are the lines' leaf hashes. */
export async function inclusionPaths(host: Host, leaves: HashRow): Promise<(index: number) => readonly string[]> {
  const levels = await levelsOver(leaves, (left, right) => nodeHash(host, left, right));
  return (index) => siblings(levels, index - 1).map(hex);
}
