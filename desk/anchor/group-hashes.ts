/**
 * The hashes of all groups of a bundle's tree by any algorithm: those of the batch's own stand in its list, for every other the documents themselves are read. A
 * renewal by another hash needs them (RFC 4998 5.2), and so does whoever takes such a record apart.
 */

import type { HashName } from "../../manifests/cms/suite.ts";
import { equal, fromHex } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type BundleSource, readSmall } from "../../manifests/verify/source.ts";
import { recordGroup } from "../../manifests/verify/time-evidence.ts";
import { type AnchoredDocument, type BundleTree, sealLimit } from "./bundle-tree.ts";
import { listedPieces, type OpenDocument } from "./listed-documents.ts";

/** In the order of the tree: the record first. Computed once for each hash. */
export type GroupsBy = (hash: HashName) => Promise<readonly (readonly Uint8Array[])[]>;

/**
 * Where `open` is undefined no document is at hand. What it gives refuses USAGE then, and as `listedPieces`; SEAL-BIND a seal that is not the one that was read
 * with the tree; BUNDLE-FORM.
 */
export function groupsOf(
  host: Host,
  source: BundleSource,
  batch: BundleTree,
  open: OpenDocument | undefined,
): GroupsBy {
  const known = new Map<HashName, ReturnType<GroupsBy>>();
  const record = recordGroup(host, source);
  const make = async (hash: HashName) => {
    const groups = [await record(hash)];
    for (const document of batch.documents) groups.push(await pairOf(host, { batch, open, source }, document, hash));
    return groups;
  };
  return (hash) => {
    const found = known.get(hash) ?? make(hash);
    known.set(hash, found);
    return found;
  };
}

async function pairOf(
  host: Host,
  {
    batch,
    open,
    source,
  }: { readonly batch: BundleTree; readonly open: OpenDocument | undefined; readonly source: BundleSource },
  document: AnchoredDocument,
  hash: HashName,
): Promise<readonly Uint8Array[]> {
  const { digest, seal: path, sealHash } = document;
  if (hash === batch.tree.hash) return [fromHex(digest), sealHash];
  if (!open) {
    throw new Refusal("USAGE", `the documents are needed for their ${hash}: say in which folder, --documents`);
  }
  const hasher = host.hasher(hash);
  for await (const piece of listedPieces(host, batch, open, document)) hasher.update(piece);
  const seal = await readSmall(source, path, sealLimit);
  if (!equal(await host.digest(batch.tree.hash, seal), sealHash)) {
    throw new Refusal("SEAL-BIND", "this is not the seal that the batch's list names", { about: path });
  }
  return [await hasher.digest(), await host.digest(hash, seal)];
}
