/** A ledger's log with a bundle in it, among other entries; its proofs, right as they come, wrong where a test changes one step. */

import { createHash } from "node:crypto";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { base64, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { manifestRecord, sealRecord } from "../../manifests/log/bundle-records.ts";
import type { Checkpoint, LogTrust } from "../../manifests/log/checkpoint.ts";
import { entryBytes, type LogRecord } from "../../manifests/log/entry.ts";
import { noteBytes, readNote, type SignedNote } from "../../manifests/log/note.ts";
import type { IncludedEntry, LogProof } from "../../manifests/log/proof.ts";
import { readListEntry, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { type LogKey, logKey, signedCheckpoint } from "../manifests/log/log-keys.ts";
import { inclusionPath, mth } from "../manifests/log/reference-tree.ts";
import type { Bundle } from "./build.ts";

export const origin = "ledger.example/log";

/** Steps that a test may change; each gets what would be there otherwise. */
export interface LogChanges {
  readonly record?: (record: LogRecord) => LogRecord;
  /** of what the log holds, behind what is in its tree */
  readonly opened?: (entry: IncludedEntry) => IncludedEntry;
  readonly entries?: (entries: readonly IncludedEntry[]) => readonly IncludedEntry[];
  readonly checkpoint?: (checkpoint: Checkpoint) => Checkpoint;
  /** of the finished note */
  readonly note?: (note: SignedNote) => SignedNote;
  readonly log?: LogKey;
  readonly witnesses?: readonly LogKey[];
  /** how many other entries stand in front of the bundle's, and behind them; 5 unless said */
  readonly around?: number;
  /** which seals of the bundle are opened, by index from 1; none unless said */
  readonly seals?: readonly number[];
}

/** Names of three witnesses. */
export const witnessNames = ["witness.example/a", "witness.example/b", "witness.example/c"] as const;

export function witnessKeys(): Promise<readonly LogKey[]> {
  return Promise.all(witnessNames.map((name) => logKey(name, "cosignature/v1")));
}

/** Two of three witnesses. */
export async function logTrust(change: Partial<LogTrust> = {}): Promise<LogTrust> {
  const { vkey } = await logKey(origin);
  return { log: vkey, witnesses: (await witnessKeys()).map((one) => one.vkey), cosignatures: 2, ...change };
}

/** The proof of a bundle's manifest and, where said, of seals of it. */
export async function logProof(bundle: Pick<Bundle, "files">, changes: LogChanges = {}): Promise<LogProof> {
  const { around = 5, checkpoint = same, entries = same, opened = same, record = same } = changes;
  const p7m = bundle.files.get("manifest.p7m") as Uint8Array;
  const content = readSignedData(p7m).content as Uint8Array;
  const known = { manifest: readManifest(content), digest: hex(sha256(content)) };
  const lines = linesOf(bundle.files.get("documents.jsonl") as Uint8Array);
  const records = [manifestRecord(known), ...lines.map((line) => sealRecord(known, line))].map(record);
  const openings = records.map((one, at) => ({ record: one, salt: saltOf(at) }));
  const own = await Promise.all(openings.map((one) => entryBytes(nodeHost, Uint8Array.fromHex(one.salt), one.record)));
  const others = Array.from({ length: around }, (_, at) => utf8(`another ${at}`));
  const leaves = [...others, ...own, ...others];
  const included = openings.map((one, at) => {
    const index = around + at;
    return opened({ ...one, index, path: inclusionPath(index, leaves).map(hex) });
  });
  const chosen = [0, ...(changes.seals ?? [])].map((at) => included[at] as IncludedEntry);
  const head = checkpoint({ origin, size: leaves.length, root: mth(leaves) });
  const witnesses = changes.witnesses ?? (await witnessKeys()).slice(0, 2);
  const { note = same } = changes;
  const signed = readNote(signedCheckpoint(head, changes.log ?? (await logKey(origin)), witnesses));
  return {
    checkpoint: noteBytes(note(signed)),
    entries: entries(chosen),
    type: "log-proof",
    version: 1,
  };
}

/** As it stands in the file; also what `logProofBytes` would not write. */
export async function logProofFile(bundle: Pick<Bundle, "files">, changes: LogChanges = {}): Promise<Uint8Array> {
  const proof = await logProof(bundle, changes);
  return canonicalBytes({ ...proof, checkpoint: base64(proof.checkpoint) } as unknown as Json);
}

export function linesOf(list: Uint8Array): readonly SealedDocument[] {
  const lines = Buffer.from(list).toString().split("\n").slice(0, -1);
  return lines.map((line, at) => readListEntry(readCanonical(utf8(line)), `line ${at + 1}`));
}

/** The same each time. */
function saltOf(at: number): string {
  return createHash("sha256").update(`salt ${at}`).digest("hex");
}

function same<T>(value: T): T {
  return value;
}
