/**
 * Evidence records beside one seal (docs/formats.md, "Evidence of time"). Each is over one of two groups: the document and the file of its seal, or, where a ledger
 * had the batch stamped, the manifest's content and the line of its list that names the seal. By that line's digests the seal existed then, and the time is the batch's.
 */

import type { HashName } from "../cms/suite.ts";
import { hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { listLeaf, type SealedDocument } from "../records/documents-list.ts";
import { type Manifest, manifestBytes } from "../records/manifest.ts";
import { type Seal, sealFile } from "../records/seal.ts";
import { Refusal } from "../refusal.ts";
import { checkEvidence, type GroupHashes } from "../time/check-evidence.ts";
import type { TimeStamp } from "../time/token.ts";
import type { ShownEntry } from "./listed-seal.ts";

/** What a record may be over. */
export interface SealGroups {
  /** document and seal: the file as it is, and as the box made it */
  readonly document: readonly GroupHashes[];
  /** manifest and line; undefined: no line that names this very seal is at hand */
  readonly line: GroupHashes | undefined;
}

/** The two data objects of a line's group: the manifest's eContent, and the line of documents.jsonl without LF. */
export function lineGroup(host: Host, content: Uint8Array, line: Uint8Array): GroupHashes {
  return (hash) => Promise.all([host.digest(hash, content), host.digest(hash, line)]);
}

/** The groups of a seal, whose file is `bytes`; of the lines that are shown only one that names this very seal is taken. */
export async function sealGroups(
  host: Host,
  { certificates, signer }: Seal,
  given: {
    readonly bytes: Uint8Array;
    readonly documentDigest: (hash: HashName) => Promise<Uint8Array>;
    readonly manifest: Manifest | undefined;
    readonly shown: readonly ShownEntry[];
  },
): Promise<SealGroups> {
  const { bytes, documentDigest, manifest, shown } = given;
  // The desk may have added to the seal since: then the record is over the file that the box made.
  const original = sealFile({ certificates, signerInfo: signer.core });
  const files = original.length === bytes.length ? [bytes] : [bytes, original];
  const own = hex(await host.digest("sha256", signer.core));
  const line: SealedDocument | undefined = shown.find(({ entry }) => entry?.sealDigest === own)?.entry;
  return {
    document: files.map((file) => (hash) => Promise.all([documentDigest(hash), host.digest(hash, file)])),
    line: manifest && line ? lineGroup(host, manifestBytes(manifest), listLeaf(line)) : undefined,
  };
}

/**
 * The time-stamps of a record over one of the groups, and whether it is the batch's. Refuses as `checkEvidence`; TIME-IMPRINT where it is over none of them, which
 * it may also be because no line is at hand.
 */
export async function checkSealEvidence(
  host: Host,
  der: Uint8Array,
  { document, line }: SealGroups,
): Promise<{ readonly stamps: readonly TimeStamp[]; readonly batch: boolean }> {
  const groups = [
    ...document.map((group) => ({ group, batch: false })),
    ...(line ? [{ group: line, batch: true }] : []),
  ];
  for (const { batch, group } of groups) {
    try {
      return { stamps: await checkEvidence(host, der, group), batch };
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.code !== "TIME-IMPRINT") throw fault;
    }
  }
  throw new Refusal("TIME-IMPRINT", "the evidence record is over something else", {
    expected: line
      ? "document and seal, or the manifest and the line that names the seal"
      : "document and seal; what a ledger had stamped is over the manifest and a line: give manifest.p7m, and inclusion.json or documents.jsonl",
  });
}
