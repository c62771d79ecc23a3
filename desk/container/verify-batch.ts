/** Verifying the container of a batch: the bundle in it as any other, and that all the rest is what bundle and evidence give. */

import { equal } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { type Finding, Findings } from "../../manifests/verify/findings.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";
import { evidenceFolder, isEvidencePath } from "../../manifests/verify/time-evidence.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import type { BundleVerdict } from "../../manifests/verify/verdict.ts";
import { bundleTree } from "../anchor/bundle-tree.ts";
import { groupsOf } from "../anchor/group-hashes.ts";
import { batchMeta, documentPath } from "./batch-meta.ts";
import { bundleFolderName, documentsFolderName, metaFolder, mimetypeFile, recordPath } from "./container-form.ts";
import { withFurther } from "./further-findings.ts";
import type { ZipContainer } from "./zip-read.ts";

/** Largest manifest or record in META-INF. */
const metaLimit = 256 * 1024;

/** Never throws because of what the container holds. All documents must be in it. */
export async function verifyBatchContainer(host: Host, container: ZipContainer, trust: Trust): Promise<BundleVerdict> {
  const source = batchSource(host, container);
  const verdict = await verifyBundle(host, source, trust);
  return withFurther(verdict, await checkRest(host, container, source));
}

/** The bundle in a container; its evidence is what stands in META-INF over the batch's record. */
export function batchSource(host: Host, container: ZipContainer): BundleSource {
  const at = (path: string) => {
    const number = /^evidence\/(\d{4})\.ers$/.exec(path)?.[1];
    return number === undefined ? `${bundleFolderName}/${path}` : recordPath(Number(number));
  };
  return {
    read: (path, limit) => container.read(at(path), limit),
    stream: (path) => container.stream(at(path)),
    list: async (folder) => {
      if (folder === evidenceFolder) return [...evidenceNames(container), ...besides(container)];
      return container.list(folder === "" ? bundleFolderName : `${bundleFolderName}/${folder}`);
    },
    documentDigest: async (name, hash, listed = Number.POSITIVE_INFINITY) => {
      const path = `${documentsFolderName}/${name}`;
      if (!container.has(path)) throw new Refusal("DOCUMENT-MISSING", "the document is not in the container");
      const hasher = host.hasher(hash);
      let size = 0;
      for await (const piece of container.stream(path)) {
        hasher.update(piece);
        size += piece.length;
        if (size > listed) break;
      }
      return { digest: await hasher.digest(), size };
    },
  };
}

/** What lies in evidence/ and is no evidence record; whether it belongs there is found when the bundle is verified. */
function besides(container: ZipContainer): readonly string[] {
  const names = container.list(`${bundleFolderName}/${evidenceFolder}`);
  return names.filter((name) => !isEvidencePath(`${evidenceFolder}/${name}`));
}

function evidenceNames(container: ZipContainer): readonly string[] {
  return container.list(metaFolder).flatMap((name) => {
    const number = /^evidencerecord(\d{4})\.ers$/.exec(name)?.[1];
    return number === undefined ? [] : [`${number}.ers`];
  });
}

/** META-INF is exactly what bundle and evidence give, documents are the batch's, and nothing else is there. */
async function checkRest(host: Host, container: ZipContainer, source: BundleSource): Promise<readonly Finding[]> {
  const findings = new Findings();
  if (evidenceNames(container).length === 0) {
    findings.add(metaFolder, "BUNDLE-FORM", "no evidence record is there: this is no ASiC-E container of a batch");
  }
  const covered = await findings.check(metaFolder, async () => {
    const tree = await bundleTree(host, source);
    const groups = groupsOf(host, source, tree, (document) => container.stream(documentPath(tree, document)));
    const batch = { ...tree, groups };
    const paths = new Set([mimetypeFile, ...batch.documents.map((one) => documentPath(batch, one))]);
    for await (const { bytes, path } of batchMeta(host, source, batch)) {
      paths.add(path);
      await findings.check(path, async () => {
        if (equal(await container.read(path, metaLimit), bytes)) return;
        throw new Refusal("BUNDLE-FORM", "this is not what the bundle and its evidence give");
      });
    }
    return paths;
  });
  for (const path of covered === undefined ? [] : container.paths) {
    const below = path.startsWith(`${bundleFolderName}/`) ? path.slice(bundleFolderName.length + 1) : undefined;
    const inBundle = below !== undefined && !isEvidencePath(below);
    if (!inBundle && !covered?.has(path)) findings.add(path, "BUNDLE-FORM", "nothing covers this file");
  }
  return findings.all;
}
