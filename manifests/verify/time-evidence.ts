/** Evidence of time in a bundle: `evidence/NNNN.ers`, each over the batch's record, which by its digests holds all the rest (docs/formats.md, "Evidence of time"). */

import { isLog } from "../attest/attestation.ts";
import type { HashName } from "../cms/suite.ts";
import { type Utc, utcOf } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import type { Manifest } from "../records/manifest.ts";
import { closingPath, declarationPath, listPath } from "../records/names.ts";
import { asRefusal, inOneLine, Refusal } from "../refusal.ts";
import { checkEvidence, type GroupHashes } from "../time/check-evidence.ts";
import { evidenceRecordLimit } from "../time/evidence-record.ts";
import { checkAnchored } from "../time/local-time.ts";
import { authorityPath, type TimeStamp } from "../time/token.ts";
import type { Findings } from "./findings.ts";
import { listDigest } from "./list-file.ts";
import { ownTimeIn } from "./local-time.ts";
import { logProofName } from "./log-proofs.ts";
import { type BundleSource, piecesOf, readSmall } from "./source.ts";
import { lookUpOthers, type Trust } from "./trust.ts";

/** What one piece of evidence says; null where nothing of it holds. */
export interface TimeProof {
  /** path below the bundle, or where it stands in a seal */
  readonly file: string;
  /** as the authority says it */
  readonly stamped: Utc | null;
  /** what it is over existed then at the latest: `stamped` and the accuracy that the authority claims */
  readonly time: Utc | null;
  /** subject of the authority's certificate */
  readonly authority: string | null;
  /** the authority's policy, an OID */
  readonly policy: string | null;
  /** how often it was renewed since, or how many archive time-stamps that count are over it */
  readonly renewals: number;
  /** of an archive time-stamp in a seal: what it is over, beside the document and the signature */
  readonly over?: ArchiveCover;
  /** over the record of the whole batch, or its manifest: the time is the batch's, not one of this seal's own */
  readonly batch?: true;
  /** null: it counts; otherwise why it does not */
  readonly discounted: string | null;
}

/** How many of each kind an archive time-stamp proves to have existed, and the names of what stands in the seal as well and that it is not over. */
export interface ArchiveCover {
  readonly certificates: number;
  readonly crls: number;
  readonly attributes: number;
  readonly leftOut: readonly string[];
}

/** The folder of what others add. */
export const evidenceFolder = "evidence";
/** The files that the first group of the tree is over: the record of the batch. */
export const recordFiles: readonly string[] = ["authorization.p7m", listPath, "manifest.p7m"];

/** Most files of evidence. */
export const mostFiles = 16;

/** What lies there beside it, and is another's matter (`emergency-files.ts`, `log-proofs.ts`). */
const ofEmergency: readonly string[] = [declarationPath, closingPath];

/** The name of a file of evidence, and its number. */
export const evidenceName = /^(\d{4})\.ers$/;

/** Whether a path below a bundle is that of an evidence record. */
export function isEvidencePath(path: string): boolean {
  return path.startsWith(`${evidenceFolder}/`) && evidenceName.test(path.slice(evidenceFolder.length + 1));
}

/** The path of the evidence of a number, from 1. */
export function evidencePath(number: number): string {
  return `${evidenceFolder}/${String(number).padStart(4, "0")}.ers`;
}

/** Numbers of the files of evidence, ascending. Refuses BUNDLE-FORM where the folder cannot be read. */
export async function evidenceNumbers(source: Pick<BundleSource, "list">): Promise<readonly number[]> {
  const names = await source.list(evidenceFolder);
  return names.flatMap((name) => evidenceName.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
}

/** Hashes of the record's files, read once for each hash. Refuses BUNDLE-FORM, and SHAPE what is no list. */
export function recordGroup(host: Host, source: BundleSource): GroupHashes {
  const known = new Map<HashName, Promise<readonly Uint8Array[]>>();
  const hashed = async (path: string, hash: HashName) => {
    if (path === listPath) return listDigest(host, hash, piecesOf(source, path));
    return host.digest(hash, await readSmall(source, path));
  };
  return (hash) => {
    const found = known.get(hash) ?? Promise.all(recordFiles.map((path) => hashed(path, hash)));
    known.set(hash, found);
    return found;
  };
}

/**
 * All evidence of time in a bundle. What is none, or is over something else, is a finding of its file; what no root vouches for does not count, and
 * says why. What it proves is not held against the manifest yet: `checkTimeOrder`.
 */
export async function checkTimeEvidence(work: {
  readonly host: Host;
  readonly source: BundleSource;
  readonly trust: Trust;
  readonly findings: Findings;
}): Promise<readonly TimeProof[]> {
  const { host, source, trust, findings } = work;
  const there = (await findings.check(evidenceFolder, () => source.list(evidenceFolder))) ?? [];
  // Logs of what was measured are looked at with the quote that they explain.
  const names = there.filter((name) => !isLog(`${evidenceFolder}/${name}`)).sort();
  const group = recordGroup(host, source);
  const own = await ownTimeIn(source);
  const proofs: TimeProof[] = [];
  for (const name of names) {
    const file = `${evidenceFolder}/${name}`;
    if (ofEmergency.includes(file) || logProofName.test(name)) continue;
    if (!evidenceName.test(name)) findings.add(file, "BUNDLE-FORM", "nothing covers this file");
    else if (proofs.length === mostFiles) findings.add(file, "BUNDLE-FORM", `more than ${mostFiles} files of evidence`);
    else {
      const proof = await findings.check(file, async () => {
        const der = await readSmall(source, file, evidenceRecordLimit);
        const stamps = await checkEvidence(host, der, group);
        await checkAnchored(host, stamps, own);
        return { ...(await proofOf(host, trust, file, stamps)), batch: true as const };
      });
      if (proof) proofs.push(proof);
    }
  }
  return proofs;
}

/** Evidence that is older than the manifest claims to be is a finding of its file. */
export async function checkTimeOrder(
  findings: Findings,
  proofs: readonly TimeProof[],
  { clock, created }: Manifest,
): Promise<void> {
  for (const proof of proofs) {
    await findings.check(proof.file, () => checkNotBefore(proof, created, clock.claimedErrorSeconds));
  }
}

/** The earliest that counts. */
export function provenTime(times: readonly TimeProof[]): Utc | null {
  return (
    times.flatMap(({ discounted, time }) => (discounted === null && time !== null ? [time] : [])).sort()[0] ?? null
  );
}

/**
 * Of a record whose stamps hold: whether its authorities have paths to roots of time-stamp authorities that the verifier trusts. `existed`: by when the last stamp
 * is proven to have existed by something else over it.
 */
export async function proofOf(
  host: Host,
  trust: TimeTrusted,
  file: string,
  stamps: readonly TimeStamp[],
  existed?: Utc,
): Promise<TimeProof> {
  const { certificate, info } = stamps[0] as TimeStamp;
  return {
    file,
    stamped: info.time,
    time: latestOf(info),
    authority: certificate.subjectText,
    policy: info.policy,
    renewals: stamps.length - 1,
    discounted: await whyDiscounted(host, trust, stamps, existed),
  };
}

/** Of what the verifier trusts, what evidence of time is judged by. */
type TimeTrusted = Pick<Trust, "authorities" | "at" | "crls" | "ocsp">;

/**
 * Each authority's path must hold at its token's time, and when the next token was made over it; the last one's when somebody looks. What of it is revoked by the lists and
 * responses at hand does not count; of whose issuer there is nothing, nothing is asked.
 */
async function whyDiscounted(
  host: Host,
  trust: TimeTrusted,
  stamps: readonly TimeStamp[],
  existed: Utc | undefined,
): Promise<string | null> {
  const { at, authorities } = trust;
  if (authorities === undefined) return "no root of a time-stamp authority was given";
  try {
    for (const [index, stamp] of stamps.entries()) {
      const next = stamps[index + 1];
      const proven = next ? latestOf(next.info) : existed;
      const path = await authorityPath(host, stamp, { roots: authorities, seen: proven ?? at });
      const { crls, ocsp } = trust;
      await lookUpOthers(host, { at, crls, ocsp, proven }, [path], stamp.info.time);
    }
    return null;
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

/** A proof that is none: told, so that nobody believes that it was not looked at. */
export function noProof(file: string, thrown: unknown): TimeProof {
  return { file, stamped: null, time: null, authority: null, policy: null, renewals: 0, discounted: reasonOf(thrown) };
}

function reasonOf(thrown: unknown): string {
  return inOneLine(asRefusal(thrown, "INTERNAL", "the check itself failed").toRecord());
}

/** The token's time, and as much later as the authority says that it may be off. */
export function latestOf({ accuracy = 0, time }: TimeStamp["info"]): Utc {
  return utcOf(Date.parse(time) + Math.ceil(accuracy / 1000) * 1000);
}

/** Refuses TIME-ORDER evidence from before the time that the box claims, by more than both clocks may be off. */
export function checkNotBefore({ time: latest }: Pick<TimeProof, "time">, claimed: Utc, errorSeconds: number): void {
  if (latest === null) return;
  if (Date.parse(latest) + errorSeconds * 1000 >= Date.parse(claimed)) return;
  throw new Refusal("TIME-ORDER", "the time-stamp is older than what it is over claims to be", {
    expected: `${claimed} or later`,
    got: latest,
  });
}
