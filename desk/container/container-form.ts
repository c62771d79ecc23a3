/** What stands where in a container (docs/formats.md, "Proof containers"). */

/** ASiC-S with CAdES holds one document with its seal, ASiC-E a batch with its evidence record (ETSI EN 319 162-1, 4.3 and 4.4). */
export type ContainerKind = "asic-s" | "asic-e";

export const mediaTypes: Readonly<Record<ContainerKind, string>> = {
  "asic-s": "application/vnd.etsi.asic-s+zip",
  "asic-e": "application/vnd.etsi.asic-e+zip",
};

/** The first file of each. */
export const mimetypeFile = "mimetype";
export const metaFolder = "META-INF";

/** In an ASiC-S container: the seal, and the folder of what of the bundle is about it. */
export const sealFile = `${metaFolder}/signature.p7s`;
export const aboutFolder = `${metaFolder}/coldseal`;

/** In an ASiC-E container: `outbox/BATCH` but its evidence, and the documents by their names. */
export const bundleFolderName = "bundle";
export const documentsFolderName = "documents";

/** The evidence record of a number, over the batch's record or, with an index, over one document and its seal. */
export function recordPath(number: number, index?: number): string {
  return `${metaFolder}/evidencerecord${suffix(number, index)}.ers`;
}

/** The ASiCManifest that says what the evidence record of the same number and index is over. */
export function manifestPath(number: number, index?: number): string {
  return `${metaFolder}/ASiCEvidenceRecordManifest${suffix(number, index)}.xml`;
}

function suffix(number: number, index: number | undefined): string {
  const at = String(number).padStart(4, "0");
  return index === undefined ? at : `${at}-${String(index).padStart(6, "0")}`;
}
