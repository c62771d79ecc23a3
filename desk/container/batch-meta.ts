/**
 * What stands in META-INF of a batch's container, as bundle and evidence give it: for each file of evidence the record over the batch's record, and one over each
 * document with its seal, which needs nothing else; each with the ASiCManifest that says so. An evidence record is over one group of data objects, all of it
 * (RFC 4998 4.3), so that no single one could be over all documents.
 */

import { fromHex } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { contentPath } from "../../manifests/records/names.ts";
import { evidenceRecordLimit } from "../../manifests/time/evidence-record.ts";
import { type BundleSource, readSmall } from "../../manifests/verify/source.ts";
import { evidenceNumbers, evidencePath, recordFiles, recordGroup } from "../../manifests/verify/time-evidence.ts";
import type { AnchoredDocument, BundleTree } from "../anchor/bundle-tree.ts";
import type { GroupsBy } from "../anchor/group-hashes.ts";
import { recordsOf } from "../anchor/one-document.ts";
import { bundleFolderName, documentsFolderName, manifestPath, recordPath } from "./container-form.ts";
import { type CoveredFile, evidenceManifest } from "./evidence-manifest.ts";

export interface ContainerFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Where a document of the batch stands in its container: beside the bundle, or in it where it came in a plain envelope. */
export function documentPath({ manifest }: Pick<BundleTree, "manifest">, document: AnchoredDocument): string {
  return manifest.request.kind === "plain-envelopes"
    ? `${bundleFolderName}/${contentPath(document.index, document.name)}`
    : `${documentsFolderName}/${document.name}`;
}

/**
 * The files, in one order and always the same bytes; none where there is no evidence. Refuses TIME-IMPRINT evidence that is not over this bundle's tree,
 * TIME-FORM, BUNDLE-FORM.
 */
export async function* batchMeta(
  host: Host,
  source: BundleSource,
  batch: BundleTree & { readonly groups: GroupsBy },
): AsyncGenerator<ContainerFile> {
  const { documents, groups, tree } = batch;
  const group = await recordGroup(host, source)(tree.hash);
  const record = recordFiles.map((path, at) => covered(`${bundleFolderName}/${path}`, group[at] as Uint8Array));
  for (const number of await evidenceNumbers(source)) {
    const der = await readSmall(source, evidencePath(number), evidenceRecordLimit);
    const recordOf = await recordsOf(host, der, tree, groups);
    yield* withManifest(tree.hash, der, record, number);
    for (const document of documents) {
      const files = [
        covered(documentPath(batch, document), fromHex(document.digest)),
        covered(`${bundleFolderName}/${document.seal}`, document.sealHash),
      ];
      yield* withManifest(tree.hash, recordOf(document.index), files, number, document.index);
    }
  }
}

/** How many files `batchMeta` gives. */
export function batchMetaCount(evidence: number, documents: number): number {
  return 2 * evidence * (documents + 1);
}

function* withManifest(
  hash: BundleTree["tree"]["hash"],
  record: Uint8Array,
  files: readonly CoveredFile[],
  ...at: readonly [number: number, index?: number]
): Generator<ContainerFile> {
  const path = recordPath(...at);
  yield { path: manifestPath(...at), bytes: evidenceManifest(path, hash, files) };
  yield { path, bytes: record };
}

function covered(path: string, digest: Uint8Array): CoveredFile {
  return { path, digest };
}
