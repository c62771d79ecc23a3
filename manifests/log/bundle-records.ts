/** The records that a ledger logs of a manifest and of each line of its list: the one place where both sides make them. Pure. */

import type { SealedDocument } from "../records/documents-list.ts";
import type { Manifest } from "../records/manifest.ts";
import type { ManifestRecord, SealRecord } from "./entry.ts";

/** A manifest, and the SHA-256 of its content in hex. */
interface KnownManifest {
  readonly manifest: Manifest;
  readonly digest: string;
}

export function manifestRecord({ digest, manifest }: KnownManifest): ManifestRecord {
  return { ...boxOf(manifest), digest, number: manifest.number, type: "manifest" };
}

/** Of one line of documents.jsonl. */
export function sealRecord({ digest, manifest }: KnownManifest, line: SealedDocument): SealRecord {
  return { ...boxOf(manifest), line, manifest: digest, number: manifest.number, type: "seal" };
}

function boxOf({ appliance, policy }: Manifest) {
  return { appliance, genesis: policy.genesis, version: 1 } as const;
}
