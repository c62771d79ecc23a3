/** A bundle and its documents, about to be packed: what goes into a container is the bundle's, and only documents that it lists. */

import { hex } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { checkDocumentName, contentPath, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";
import { type AnchoredDocument, type BundleTree, bundleTree } from "../anchor/bundle-tree.ts";
import type { ZipWriter } from "./zip-write.ts";

export interface BatchToPack extends BundleTree {
  readonly source: BundleSource;
  /** A document's pieces, as they are in its folder. */
  open(document: AnchoredDocument): AsyncIterable<Uint8Array>;
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
  if (batch.manifest.request.kind === "plain-envelopes") {
    return { ...batch, source, open: ({ index, name }) => source.stream(contentPath(index, name)) };
  }
  if (!documents) throw new Refusal("USAGE", "the documents lie beside this bundle: say in which folder, --documents");
  const names = new Set(await documents.list(""));
  return { ...batch, source, open: ({ name }) => presented(documents, names, name) };
}

/** Adds a document under a path. Refuses DOCUMENT-MISSING, DOCUMENT-SIZE and DOCUMENT-DIGEST what is not the one that the batch lists. */
export async function addDocument(
  host: Host,
  zip: ZipWriter,
  batch: BatchToPack,
  [document, path]: readonly [AnchoredDocument, string],
): Promise<void> {
  const pieces = listed(host, batch, document);
  if (document.size > small) return zip.addStream(path, pieces, document.size);
  return zip.addBytes(path, Buffer.concat(await Array.fromAsync(pieces)));
}

async function* presented(folder: BundleSource, names: ReadonlySet<string>, name: string): AsyncIterable<Uint8Array> {
  checkDocumentName(name);
  if (!names.has(name)) {
    const detail = { expected: shown(name), got: "no such file among the documents", about: name };
    throw new Refusal("DOCUMENT-MISSING", "the document is missing", detail);
  }
  yield* folder.stream(name);
}

/** The document's pieces, as long as they can be those of the one that is listed. */
async function* listed(host: Host, batch: BatchToPack, document: AnchoredDocument): AsyncGenerator<Uint8Array> {
  const hasher = host.hasher(batch.tree.hash);
  let size = 0;
  for await (const piece of batch.open(document)) {
    size += piece.length;
    if (size > document.size) throw otherSize(document, "more");
    hasher.update(piece);
    yield piece;
  }
  if (size !== document.size) throw otherSize(document, `${size} bytes`);
  const digest = hex(await hasher.digest());
  if (digest === document.digest) return;
  const detail = { expected: document.digest, got: digest, about: document.name };
  throw new Refusal("DOCUMENT-DIGEST", "the document is not the one that was sealed", detail);
}

function otherSize({ name, size }: AnchoredDocument, got: string): Refusal {
  const detail = { expected: `${size} bytes`, got, about: name };
  return new Refusal("DOCUMENT-SIZE", "the document is not the one that was sealed", detail);
}
