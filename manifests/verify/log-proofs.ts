/** What a ledger's log holds of a bundle or a seal: `evidence/log-NNNN.json` (docs/formats.md), against the log and the witnesses whose keys the verifier was given. */

import { canonical, type Json } from "../encoding/canonical-json.ts";
import { type Utc, utcOf } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { manifestRecord } from "../log/bundle-records.ts";
import { checkCheckpoint, type LogTrust, type SignedCheckpoint } from "../log/checkpoint.ts";
import type { ManifestRecord, SealRecord } from "../log/entry.ts";
import { checkIncluded, entriesOf, mostProofBytes, readLogProof } from "../log/proof.ts";
import type { SealedDocument } from "../records/documents-list.ts";
import { Refusal } from "../refusal.ts";
import type { Findings } from "./findings.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import type { CheckedSeal } from "./seal-check.ts";
import { type BundleSource, readSmall } from "./source.ts";

/** What one proof shows. */
export interface LogShown {
  /** path below the bundle, or as it was named */
  readonly file: string;
  /** the log's name, and the tree that its checkpoint is of */
  readonly origin: string;
  readonly size: number;
  /** hex */
  readonly root: string;
  /** index of the manifest's entry, from 0 */
  readonly manifest: number;
  /** index of the seal's own entry; null where the proof opens the manifest's alone */
  readonly seal: number | null;
  /** pinned witnesses that cosigned, and when, as each says */
  readonly cosigners: readonly { readonly name: string; readonly time: Utc }[];
  /** null: the log's pinned key signed it; otherwise why it does not count */
  readonly discounted: string | null;
}

/** In which log things are: what was asked for, and what was shown. */
export interface LogVerdict {
  /** name of the log whose key was given; null without one, and then no proof counts */
  readonly log: string | null;
  /** how many witnesses' keys were given, and how many of them must have cosigned */
  readonly witnesses: number;
  readonly cosignatures: number;
  readonly shown: readonly LogShown[];
}

/** Most proofs of a bundle. */
export const mostLogProofs = 16;

/** The name of a proof's file in `evidence`. */
export const logProofName = /^log-\d{4}\.json$/;

/** The path of the proof of a number, from 1. */
export function logProofPath(number: number): string {
  return `evidence/log-${String(number).padStart(4, "0")}.json`;
}

/** What a proof must be of. */
interface Shown {
  readonly manifest: CheckedManifest | undefined;
  readonly seal?: CheckedSeal | undefined;
  /** the manifest's line of the seal, where it was shown */
  readonly entry?: SealedDocument | undefined;
}

/** All proofs among the names in a bundle's `evidence`. What does not hold is a finding of its file. */
export async function checkLogProofs(
  work: {
    readonly host: Host;
    readonly source: BundleSource;
    readonly trust: { readonly log?: LogTrust };
    readonly findings: Findings;
  },
  manifest: CheckedManifest | undefined,
): Promise<LogVerdict> {
  const { source, findings } = work;
  // A folder that cannot be listed is a finding already.
  const there = await source.list("evidence").catch((): readonly string[] => []);
  const names = there.filter((name) => logProofName.test(name)).sort();
  for (const name of names.slice(mostLogProofs)) {
    findings.add(`evidence/${name}`, "BUNDLE-FORM", `more than ${mostLogProofs} proofs of logs`);
  }
  const files = names.slice(0, mostLogProofs).map((name) => {
    const file = `evidence/${name}`;
    return { file, read: () => readSmall(source, file, mostProofBytes) };
  });
  return logVerdict(work, files, { manifest });
}

/** Those proofs, each held against the manifest and the seal. What does not hold is a finding of its file; what cannot be held against anything is left out. */
export async function logVerdict(
  work: { readonly host: Host; readonly trust: { readonly log?: LogTrust }; readonly findings: Findings },
  files: readonly { readonly file: string; readonly read: () => Promise<Uint8Array> }[],
  of: Shown,
): Promise<LogVerdict> {
  const { host, findings, trust } = work;
  const shown: LogShown[] = [];
  for (const { file, read } of files) {
    const one = await findings.check(file, async () => logShown(host, trust.log, { file, bytes: await read() }, of));
    if (one) shown.push(one);
  }
  return {
    log: trust.log?.log.name ?? null,
    witnesses: trust.log?.witnesses.length ?? 0,
    cosignatures: trust.log?.cosignatures ?? 0,
    shown,
  };
}

/** Refuses LOG-FORM, LOG-NOTE, LOG-PROOF. */
async function logShown(
  host: Host,
  trust: LogTrust | undefined,
  { bytes, file }: { readonly file: string; readonly bytes: Uint8Array },
  of: Shown,
): Promise<LogShown | undefined> {
  const proof = readLogProof(bytes);
  const checkpoint = await checkIncluded(host, proof);
  const { manifest, seal } = entriesOf(proof);
  if (!manifest) throw new Refusal("LOG-PROOF", "the proof does not open the manifest's entry");
  // Without both nothing here holds, and that is found elsewhere.
  if (!of.manifest && !of.seal) return undefined;
  if (of.manifest) checkManifestEntry(manifest.record, of.manifest);
  if (of.seal) checkOfSeal(manifest.record, of.seal);
  if (seal) checkSealEntry(seal.record, of);
  const word = { file, ...headOf(checkpoint), manifest: manifest.index, seal: seal?.index ?? null };
  const discounted = whyDiscounted(trust, checkpoint.origin);
  if (!trust || discounted !== null) return { ...word, cosigners: [], discounted };
  const { cosigners } = await checkCheckpoint(host, proof.checkpoint, trust);
  const times = cosigners.flatMap(({ key: { name }, time }) => (time === null ? [] : [{ name, time: asUtc(time) }]));
  return { ...word, cosigners: times, discounted: null };
}

function headOf({ origin, root, size }: SignedCheckpoint) {
  return { origin, size, root: root.toHex() };
}

function whyDiscounted(trust: LogTrust | undefined, origin: string): string | null {
  if (!trust) return "no key of a log was given";
  return trust.log.name === origin ? null : "it is of another log than the one whose key was given";
}

function checkManifestEntry(record: ManifestRecord, checked: CheckedManifest): void {
  if (canonical(record as Json) === canonical(manifestRecord(checked) as Json)) return;
  throw new Refusal("LOG-PROOF", "the proof opens the entry of another manifest", {
    expected: `${checked.manifest.appliance} number ${checked.manifest.number}, ${checked.digest}`,
    got: `${record.appliance} number ${record.number}, ${record.digest}`,
  });
}

/** By what the seal says of itself. */
function checkOfSeal({ appliance, number }: ManifestRecord, { seal }: CheckedSeal): void {
  if (appliance === seal.appliance && number === seal.number) return;
  throw new Refusal("LOG-PROOF", "the proof opens the entry of another manifest than the seal's", {
    expected: `${seal.appliance} number ${seal.number}`,
    got: `${appliance} number ${number}`,
  });
}

/** The line is the seal's; that it is of the proof's own manifest its reader saw to. A whole batch's proof opens no line: its manifest covers them all. */
function checkSealEntry({ line }: SealRecord, { entry, seal }: Shown): void {
  if (!seal) throw new Refusal("LOG-PROOF", "the proof of a whole batch opens the entry of a seal");
  const same = line.sealDigest === seal.digest && line.index === seal.seal.index;
  if (same && (!entry || canonical(entry as Json) === canonical(line as Json))) return;
  throw new Refusal("LOG-PROOF", "the proof opens the entry of another seal", {
    expected: seal.digest,
    got: line.sealDigest,
  });
}

/** A cosigner's time, seconds since 1970; what lies beyond the year 9999 is the last second of it. */
function asUtc(seconds: number): Utc {
  return utcOf(Math.min(seconds * 1000, Date.parse("9999-12-31T23:59:59Z")));
}
