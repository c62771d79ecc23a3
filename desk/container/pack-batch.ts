/** A batch as one container: ASiC-E with evidence records (ETSI EN 319 162-1, 4.4), which carries the whole bundle and its documents. */

import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { closingLimit } from "../../manifests/records/closing.ts";
import { envelopePath, listPath, localTimePath } from "../../manifests/records/names.ts";
import { revocationFolder, stagedLimit } from "../../manifests/records/revocation-part.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readSmall, smallFile } from "../../manifests/verify/source.ts";
import { evidenceFolder, evidenceNumbers, isEvidencePath } from "../../manifests/verify/time-evidence.ts";
import { batchMeta, batchMetaCount, documentPath } from "./batch-meta.ts";
import { addDocument, type BatchToPack } from "./batch-to-pack.ts";
import { bundleFolderName, mediaTypes, mimetypeFile } from "./container-form.ts";
import { writeNewFile } from "./new-file.ts";
import { limits } from "./zip-read.ts";
import { ZipWriter } from "./zip-write.ts";

export interface PackedBatch {
  readonly file: string;
  readonly bytes: number;
  readonly documents: number;
  /** files of evidence of the bundle, each over all of it */
  readonly evidence: number;
}

/**
 * Writes the container, a new file; durable on return. Refuses USAGE a bundle that was not anchored, which makes no ASiC-E container, and a file that is there;
 * BUNDLE-FORM a bundle with files that nothing covers; MEDIA-LIMIT one of more files than a container may have; as `addDocument` and `batchMeta`.
 */
export async function packBatch(host: Host, batch: BatchToPack, file: string): Promise<PackedBatch> {
  const { documents, source } = batch;
  const evidence = (await evidenceNumbers(source)).length;
  if (evidence === 0) {
    throw new Refusal("USAGE", "this bundle was not anchored: a batch is an ASiC container by its evidence of time", {
      expected: "a bundle that `coldseal anchor` was run on; or --each, a container for each document",
    });
  }
  const paths = await bundlePaths(batch);
  const entries = 1 + batchMetaCount(evidence, documents.length) + paths.length + documents.length;
  if (entries > limits.entries) {
    const detail = { expected: `at most ${limits.entries} files`, got: `${entries}` };
    throw new Refusal("MEDIA-LIMIT", "the batch is too large for one container", detail);
  }
  const bytes = await writeNewFile(file, async (to) => {
    const zip = new ZipWriter(to);
    await zip.addBytes(mimetypeFile, utf8(mediaTypes["asic-e"]));
    for await (const one of batchMeta(host, source, batch)) await zip.addBytes(one.path, one.bytes);
    for (const path of paths) {
      await zip.addBytes(`${bundleFolderName}/${path}`, await readSmall(source, path, mostBytes(batch, path)));
    }
    for (const document of documents) await addDocument(host, zip, batch, [document, documentPath(batch, document)]);
    await zip.end();
  });
  return { file, bytes, documents: documents.length, evidence };
}

/** Paths of the bundle's files but documents and evidence records. Refuses BUNDLE-FORM what is not a bundle's. */
async function bundlePaths({ documents, manifest, source }: BatchToPack): Promise<readonly string[]> {
  const plain = manifest.request.kind === "plain-envelopes";
  const stamp = manifest.time ? [localTimePath] : [];
  const files = ["manifest.p7m", "authorization.p7m", listPath, ...stamp, ...(plain ? [] : ["batch.p7m"])];
  const folders = ["policy", "certificates", ...(manifest.revocation ? [revocationFolder] : [])];
  const known = [...files, ...folders, "seals", evidenceFolder, ...(plain ? ["envelopes", "documents"] : [])];
  for (const name of await source.list("")) {
    if (!known.includes(name))
      throw new Refusal("BUNDLE-FORM", "nothing covers this file of the bundle", { about: name });
  }
  const below = async (folder: string) => [...(await source.list(folder))].sort().map((name) => `${folder}/${name}`);
  return [
    ...files,
    ...(await Promise.all(folders.map(below))).flat(),
    ...(plain ? ["envelopes/list.jsonl", ...documents.map(({ index, name }) => envelopePath(index, name))] : []),
    ...documents.map(({ seal }) => seal),
    ...(await below(evidenceFolder)).filter((path) => !isEvidencePath(path)),
  ];
}

/** Most bytes of a file of the bundle: lists are as long as the documents that they list, and few files may have more than all else of a bundle. */
function mostBytes({ documents }: BatchToPack, path: string): number {
  if (lists.includes(path)) return smallFile + documents.length * mostListed;
  if (path.startsWith(`${revocationFolder}/`)) return stagedLimit;
  return path.startsWith(`${evidenceFolder}/`) ? closingLimit : smallFile;
}

const lists: readonly string[] = ["batch.p7m", listPath, "envelopes/list.jsonl"];
/** Most bytes of a list for each document. */
const mostListed = 4096 + 1;
