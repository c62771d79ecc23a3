/** Documents of a bundle, read from where they lie: only those that the batch's list has, byte for byte. */

import { hex } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { checkDocumentName, contentPath, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";
import type { AnchoredDocument, BundleTree } from "./bundle-tree.ts";

/** A document's pieces, as they are where it lies; may be those of another file. */
export type OpenDocument = (document: AnchoredDocument) => AsyncIterable<Uint8Array>;

/** Of plain envelopes documents lie in the bundle, else in a folder: undefined where none was given. What it gives refuses DOCUMENT-MISSING. */
export async function openDocuments(
  { manifest }: Pick<BundleTree, "manifest">,
  source: BundleSource,
  documents: BundleSource | undefined,
): Promise<OpenDocument | undefined> {
  if (manifest.request.kind === "plain-envelopes") {
    return ({ index, name }) => source.stream(contentPath(index, name));
  }
  if (!documents) return undefined;
  const names = new Set(await documents.list(""));
  return ({ name }) => presented(documents, names, name);
}

/** The document's pieces, as long as they can be those of the one that is listed. Refuses DOCUMENT-SIZE, DOCUMENT-DIGEST what is not the one that the batch lists. */
export async function* listedPieces(
  host: Host,
  { tree }: Pick<BundleTree, "tree">,
  open: OpenDocument,
  document: AnchoredDocument,
): AsyncGenerator<Uint8Array> {
  const hasher = host.hasher(tree.hash);
  let size = 0;
  for await (const piece of open(document)) {
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

async function* presented(folder: BundleSource, names: ReadonlySet<string>, name: string): AsyncIterable<Uint8Array> {
  checkDocumentName(name);
  if (!names.has(name)) {
    const detail = { expected: shown(name), got: "no such file among the documents", about: name };
    throw new Refusal("DOCUMENT-MISSING", "the document is missing", detail);
  }
  yield* folder.stream(name);
}

function otherSize({ name, size }: AnchoredDocument, got: string): Refusal {
  const detail = { expected: `${size} bytes`, got, about: name };
  return new Refusal("DOCUMENT-SIZE", "the document is not the one that was sealed", detail);
}
