/** A document with its seal as one container: ASiC-S with CAdES (ETSI EN 319 162-1, 4.3), and what of the bundle says who approved it and when it existed. */

import { basename, join } from "node:path";
import { hashBytes } from "../../manifests/cms/suite.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { HashRow } from "../../manifests/encoding/hash-row.ts";
import type { Host } from "../../manifests/host.ts";
import { listLeaf, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { inclusionBytes, inclusionPaths } from "../../manifests/records/inclusion.ts";
import { leafHash } from "../../manifests/records/merkle.ts";
import { collisionKey, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { evidenceRecordLimit } from "../../manifests/time/evidence-record.ts";
import { logProofName } from "../../manifests/verify/log-proofs.ts";
import { readSmall } from "../../manifests/verify/source.ts";
import { evidenceFolder, evidenceNumbers, evidencePath } from "../../manifests/verify/time-evidence.ts";
import type { AnchoredDocument } from "../anchor/bundle-tree.ts";
import { recordsOf } from "../anchor/one-document.ts";
import type { ContainerFile } from "./batch-meta.ts";
import { addDocument, type BatchToPack } from "./batch-to-pack.ts";
import { aboutFolder, mediaTypes, metaFolder, mimetypeFile, sealFile } from "./container-form.ts";
import { writeNewFile } from "./new-file.ts";
import { ZipWriter } from "./zip-write.ts";

/** Writes one document's container into a folder, a new file named as its seal; gives its path, durable. */
export type PackDocument = (document: AnchoredDocument) => Promise<string>;

/**
 * Reads once what all containers of a batch have in common. Refuses as `recordsOf`; what it gives refuses DOCUMENT-NAME a document that is named as what
 * a container has itself, USAGE a file that is there, and as `addDocument`.
 */
export async function documentPacker(host: Host, batch: BatchToPack, folder: string): Promise<PackDocument> {
  const { source } = batch;
  const common = await commonFiles(batch);
  const inclusionOf = await inclusions(host, batch.documents);
  const evidence = await Promise.all(
    (await evidenceNumbers(source)).map(async (number) => {
      const der = await readSmall(source, evidencePath(number), evidenceRecordLimit);
      const recordOf = await recordsOf(host, der, batch.tree, batch.groups);
      return { path: `${aboutFolder}/${evidencePath(number)}`, recordOf };
    }),
  );
  return async (document) => {
    checkRootName(document.name);
    const file = join(folder, `${basename(document.seal, ".p7s")}.asics`);
    await writeNewFile(file, async (to) => {
      const zip = new ZipWriter(to);
      await zip.addBytes(mimetypeFile, utf8(mediaTypes["asic-s"]));
      await addDocument(host, zip, batch, [document, document.name]);
      await zip.addBytes(sealFile, await readSmall(source, document.seal));
      for (const { bytes, path } of common) await zip.addBytes(path, bytes);
      await zip.addBytes(`${aboutFolder}/inclusion.json`, inclusionOf(document));
      for (const { path, recordOf } of evidence) await zip.addBytes(path, recordOf(document.index));
      await zip.end();
    });
    return file;
  };
}

async function commonFiles({ source }: BatchToPack): Promise<readonly ContainerFile[]> {
  const policies = [...(await source.list("policy"))].sort().map((name) => `policy/${name}`);
  // They open the manifest's entry alone, and so say nothing of the other documents.
  const logs = (await source.list(evidenceFolder)).filter((name) => logProofName.test(name)).sort();
  const small = ["manifest.p7m", "authorization.p7m", ...policies, ...logs.map((name) => `${evidenceFolder}/${name}`)];
  return Promise.all(
    small.map(async (path) => ({ path: `${aboutFolder}/${path}`, bytes: await readSmall(source, path) })),
  );
}

/** Each document's line and its way to the list's root, in place of the list, which names all others. */
async function inclusions(
  host: Host,
  documents: readonly AnchoredDocument[],
): Promise<(document: AnchoredDocument) => Uint8Array> {
  const leaves = new HashRow(hashBytes.sha256);
  for (const document of documents) leaves.push(await leafHash(host, listLeaf(lineOf(document))));
  const pathOf = await inclusionPaths(host, leaves);
  return (document) => {
    const inclusionPath = pathOf(document.index);
    return inclusionBytes({ inclusionPath, leaf: lineOf(document), treeSize: documents.length });
  };
}

function lineOf({ sealHash: _, ...line }: AnchoredDocument): SealedDocument {
  return line;
}

function checkRootName(name: string): void {
  const taken = [mimetypeFile, metaFolder].map(collisionKey);
  if (!taken.includes(collisionKey(name))) return;
  throw new Refusal("DOCUMENT-NAME", `the name ${shown(name)} is one that a container has itself`, { about: name });
}
