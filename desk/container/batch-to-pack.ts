/** A bundle and its documents, about to be packed: what goes into a container is the bundle's, and only documents that it lists. */

import type { Host } from "../../manifests/host.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";
import { type AnchoredDocument, type BundleTree, bundleTree } from "../anchor/bundle-tree.ts";
import { type GroupsBy, groupsOf } from "../anchor/group-hashes.ts";
import { listedPieces, type OpenDocument, openDocuments } from "../anchor/listed-documents.ts";
import type { ZipWriter } from "./zip-write.ts";

export interface BatchToPack extends BundleTree {
  readonly source: BundleSource;
  readonly open: OpenDocument;
  readonly groups: GroupsBy;
}

/** Files up to this size are read as a whole, so that they are written at once. */
const small = 1 << 20;

/**
 * Reads manifest, list and seals as `bundleTree` does, and refuses as it does; ABORTED a batch none of whose seals counts, USAGE where the documents lie beside
 * the bundle and no folder of them was given.
 */
export async function batchToPack(
  host: Host,
  source: BundleSource,
  documents: BundleSource | undefined,
): Promise<BatchToPack> {
  const batch = await bundleTree(host, source);
  if (batch.manifest.outcome !== "sealed") {
    throw new Refusal("ABORTED", "the batch was aborted: there is nothing to pack", {
      got: batch.manifest.reason ?? "",
    });
  }
  const open = await openDocuments(batch, source, documents);
  if (!open) throw new Refusal("USAGE", "the documents lie beside this bundle: say in which folder, --documents");
  return { ...batch, source, open, groups: groupsOf(host, source, batch, open) };
}

/** Adds a document under a path. Refuses DOCUMENT-MISSING, DOCUMENT-SIZE and DOCUMENT-DIGEST what is not the one that the batch lists. */
export async function addDocument(
  host: Host,
  zip: ZipWriter,
  batch: BatchToPack,
  [document, path]: readonly [AnchoredDocument, string],
): Promise<void> {
  const pieces = listedPieces(host, batch, batch.open, document);
  if (document.size > small) return zip.addStream(path, pieces, document.size);
  return zip.addBytes(path, Buffer.concat(await Array.fromAsync(pieces)));
}
