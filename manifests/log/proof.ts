/**
 * A file that shows what a log holds (docs/formats.md, "log-NNNN.json"): a checkpoint, and entries opened with their ways to its root. Whoever is handed it
 * learns of the one record, or of one seal and its manifest, and of nothing else in the log.
 */

import { base64, fromHex } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import { base64Bytes, hexText, integer, list, literal, object, type Read } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { leafHash } from "../records/merkle.ts";
import { Refusal } from "../refusal.ts";
import {
  type CheckedCheckpoint,
  checkCheckpoint,
  type LogTrust,
  readCheckpoint,
  type SignedCheckpoint,
} from "./checkpoint.ts";
import { inLogForm, type ManifestRecord, openedEntry, openingShape, type SealRecord } from "./entry.ts";
import { mostNoteBytes } from "./note.ts";
import { checkInclusion, mostPath } from "./tree-proof.ts";

/** Of a proof's file: a note, as base64, and two entries with records and paths. */
export const mostProofBytes = 262_144;

/** An entry's record and salt, its index in the log, from 0, and the siblings from its leaf up. */
const readIncluded = object({ ...openingShape, index: integer(0), path: list(hexText(), 0, mostPath) });
export type IncludedEntry = Read<typeof readIncluded>;

const readProofShape = object({
  /** the signed note, byte for byte */
  checkpoint: base64Bytes(mostNoteBytes),
  entries: list(readIncluded, 1, 2),
  type: literal("log-proof"),
  version: literal(1),
});
export type LogProof = Read<typeof readProofShape>;

/** Whether a file that is evidence of something is meant as a proof of a log: JSON, and not DER. */
export function isLogProof(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b;
}

/** Reads a proof; nothing of it is checked yet. Refuses LOG-FORM: other than one record, or a manifest's and behind it that of one of its seals, too. */
export function readLogProof(bytes: Uint8Array): LogProof {
  if (bytes.length > mostProofBytes)
    throw new Refusal("LOG-FORM", `a log's proof is longer than ${mostProofBytes} bytes`);
  const proof = inLogForm("a log's proof", () => readProofShape(readCanonical(bytes), "proof"));
  checkTogether(proof);
  return proof;
}

/** As it stands in the file. Refuses LOG-FORM what `readLogProof` would not read. */
export function logProofBytes(proof: LogProof): Uint8Array {
  const bytes = inLogForm("a log's proof", () =>
    canonicalBytes({ ...proof, checkpoint: base64(proof.checkpoint) } as unknown as Json),
  );
  readLogProof(bytes);
  return bytes;
}

/**
 * Checks that each entry is in the tree of the checkpoint that the proof brings, whoever signed that: without a pinned key it proves nothing. Refuses LOG-PROOF,
 * LOG-NOTE, LOG-FORM.
 */
export async function checkIncluded(host: Host, { checkpoint, entries }: LogProof): Promise<SignedCheckpoint> {
  const { root, size, ...rest } = readCheckpoint(checkpoint);
  for (const { index, path, record, salt } of entries) {
    const leaf = await leafHash(host, await openedEntry(host, { record, salt }));
    await checkInclusion(host, { index, leafHash: leaf, path: path.map(fromHex), root, size });
  }
  return { root, size, ...rest };
}

/** Checks a proof against a log and witnesses that are pinned. Refuses as `checkIncluded` and `checkCheckpoint`. */
export async function checkLogProof(host: Host, proof: LogProof, trust: LogTrust): Promise<CheckedCheckpoint> {
  await checkIncluded(host, proof);
  return checkCheckpoint(host, proof.checkpoint, trust);
}

/** The manifest's entry of a proof, and that of the seal; undefined where there is none. */
export function entriesOf({ entries }: LogProof): {
  readonly manifest: (IncludedEntry & { readonly record: ManifestRecord }) | undefined;
  readonly seal: (IncludedEntry & { readonly record: SealRecord }) | undefined;
} {
  let manifest: ReturnType<typeof entriesOf>["manifest"];
  let seal: ReturnType<typeof entriesOf>["seal"];
  for (const { record, ...rest } of entries) {
    if (record.type === "manifest") manifest = { ...rest, record };
    if (record.type === "seal") seal = { ...rest, record };
  }
  return { manifest, seal };
}

/** Two entries are those of one manifest and of a seal that names it. */
function checkTogether(proof: LogProof): void {
  const [first, second] = proof.entries;
  if (second === undefined) return;
  if (first?.record.type !== "manifest" || second.record.type !== "seal") {
    throw new Refusal("LOG-FORM", "a log's proof opens other entries than those of a manifest and a seal");
  }
  const [manifest, seal] = [first.record, second.record];
  const same = (["appliance", "genesis", "number"] as const).every((name) => manifest[name] === seal[name]);
  if (same && manifest.digest === seal.manifest && first.index !== second.index) return;
  throw new Refusal("LOG-FORM", "a log's proof opens entries of a manifest and of another manifest's seal");
}
