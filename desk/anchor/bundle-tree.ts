/**
 * The hash tree over a bundle (docs/formats.md, "Evidence of time"): its first group is the batch's record, then each document with its seal. One token
 * over its root gives all of them their time, and each can be shown alone.
 */

import { readSignedData } from "../../manifests/cms/read.ts";
import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import type { SealedDocument } from "../../manifests/records/documents-list.ts";
import { type Manifest, readManifest } from "../../manifests/records/manifest.ts";
import { listPath } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type HashTree, TreeBuilder } from "../../manifests/time/hash-tree.ts";
import { listEntries, readListFile } from "../../manifests/verify/list-file.ts";
import { type BundleSource, piecesOf, readSmall } from "../../manifests/verify/source.ts";
import { recordGroup } from "../../manifests/verify/time-evidence.ts";

export interface BundleTree {
  readonly manifest: Manifest;
  readonly tree: HashTree;
  /** group 0 is the record, group i the document that stands here as i - 1 */
  readonly documents: readonly AnchoredDocument[];
}

export interface AnchoredDocument extends SealedDocument {
  /** of the file of its seal, by the tree's hash */
  readonly sealHash: Uint8Array;
}

/** Largest seal; longer ones are none. */
export const sealLimit = 1 << 20;

/**
 * Builds the tree of a bundle by the hash of its documents. What is not the list or the seal that manifest and list name is refused (MANIFEST-BIND,
 * SEAL-BIND), so that nothing is anchored for what is not there; nothing else is verified. Refuses BUNDLE-FORM, DER, CMS-*, JSON, SHAPE.
 */
export async function bundleTree(host: Host, source: BundleSource): Promise<BundleTree> {
  const manifest = await readManifestFile(source);
  const hash = manifest.documents.digestAlgorithm;
  const { digest } = await readListFile(host, piecesOf(source, listPath));
  if (digest !== manifest.documents.digest) {
    throw new Refusal("MANIFEST-BIND", "this is not the file that the manifest names", { about: listPath });
  }
  const builder = new TreeBuilder(host, hash);
  await builder.add(await recordGroup(host, source)(hash));
  const documents: AnchoredDocument[] = [];
  const sealed = manifest.outcome === "sealed" ? listEntries(piecesOf(source, listPath)) : [];
  for await (const entry of sealed) {
    const seal = await readSmall(source, entry.seal, sealLimit);
    await checkListed(host, entry, seal);
    const sealHash = await host.digest(hash, seal);
    await builder.add([fromHex(entry.digest), sealHash]);
    documents.push({ ...entry, sealHash });
  }
  return { manifest, tree: await builder.tree(), documents };
}

async function readManifestFile(source: BundleSource): Promise<Manifest> {
  const { content } = readSignedData(await readSmall(source, "manifest.p7m"));
  return readManifest(content ?? new Uint8Array(0));
}

async function checkListed(host: Host, { seal: path, sealDigest }: SealedDocument, seal: Uint8Array): Promise<void> {
  const [signer] = readSignedData(seal).signers;
  const got = signer && hex(await host.digest("sha256", signer.core));
  if (got === sealDigest) return;
  throw new Refusal("SEAL-BIND", "this is not the seal that the batch's list names", { about: path });
}
