/**
 * Time-stamps in a seal: each over the value of the signature (signature-time-stamp, ETSI EN 319 122-1 5.3), or over all of the seal with its document
 * (archive-time-stamp-v3, 5.5.3). The desk adds them; the box's own token never stands there.
 */

import type { RevocationValues } from "../cms/revocation-values.ts";
import type { HashName } from "../cms/suite.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import type { Seal } from "../records/seal.ts";
import { Refusal } from "../refusal.ts";
import { archiveImprint, hashIndexIn } from "../time/archive-time-stamp.ts";
import { checkAnchored, type OwnTime } from "../time/local-time.ts";
import { checkToken, type TimeStamp } from "../time/token.ts";
import { type Cover, CoverFinder, contentsOf, leftOut, type SealContents } from "./archive-cover.ts";
import { checkNotBefore, latestOf, noProof, proofOf, provenTime, type TimeProof } from "./time-evidence.ts";
import type { Trust } from "./trust.ts";

export interface StampedSeal {
  readonly seal: Seal;
  readonly revocation: RevocationValues;
  /** by any hash; asked for once each */
  readonly documentDigest: (hash: HashName) => Promise<Uint8Array>;
}

/** A time-stamp whose signature holds, over what it should be over. */
export interface SealStamp {
  /** what it is called, and its place among the values of the unsigned attributes */
  readonly file: string;
  readonly at: number;
  readonly stamp: TimeStamp;
  /** of an archive time-stamp */
  readonly cover?: Cover;
}

export interface OpenedStamps {
  readonly contents: SealContents;
  readonly stamps: readonly SealStamp[];
  /** those that are none */
  readonly failed: ReadonlyMap<string, TimeProof>;
}

/**
 * What they say. One that does not hold, or is from before the time that the seal claims, is told and does not count: whoever has the seal can add one, so that
 * it takes nothing from the seal. What an archive time-stamp that counts is over is proven to have existed then: an earlier time-stamp among it stands although its
 * authority's certificate ended or was revoked since.
 */
export async function checkSealTimeStamps(
  host: Host,
  trust: Trust,
  sealed: StampedSeal,
  claim: { readonly signed: Utc; readonly errorSeconds: number; readonly own: OwnTime },
): Promise<readonly TimeProof[]> {
  const { contents, failed, stamps } = await openStamps(host, sealed);
  const proofs = new Map(failed);
  for (const one of outermostFirst(stamps)) {
    const over = proofsOver(one, stamps, proofs);
    const proof = await judge(host, trust, one, { stamps, existed: provenTime(over) ?? undefined, claim });
    proofs.set(one.file, { ...proof, renewals: over.length, ...coverOf(contents, one, stamps) });
  }
  const told = [...proofs.values()].sort((a, b) => numberIn(a.file) - numberIn(b.file));
  return [...told.filter((one) => !isArchive(one.file)), ...told.filter((one) => isArchive(one.file))];
}

/** The number in a time-stamp's name; "more of them" stands behind those. */
function numberIn(file: string): number {
  const number = Number(/ (\d+)$/.exec(file)?.[1]);
  return Number.isNaN(number) ? mostTokens + 1 : number;
}

/** Reads them, and checks what each is over; says nothing of paths. */
export async function openStamps(host: Host, sealed: StampedSeal): Promise<OpenedStamps> {
  const { seal, revocation } = sealed;
  const contents = contentsOf(seal, revocation);
  const finder = new CoverFinder(host, contents);
  const stamps: SealStamp[] = [];
  const failed = new Map<string, TimeProof>();
  let signatures = 0;
  for (const [at, { attribute, value }] of contents.values.entries()) {
    const file = contents.names.attributes[at] as string;
    if (attribute.oid === oid.signatureTimeStamp && ++signatures > mostTokens) continue;
    try {
      if (attribute.oid === oid.signatureTimeStamp) {
        const stamp = await checkToken(host, value, (hash) => host.digest(hash, seal.signer.signature));
        stamps.push({ file, at, stamp });
      } else if (attribute.oid === oid.archiveTimeStampV3) {
        if (attribute.values.length > 1) throw new Refusal("TIME-FORM", "an archive time-stamp of several values");
        stamps.push({ file, at, ...(await openArchive(host, sealed, finder, value)) });
      }
    } catch (thrown) {
      failed.set(file, noProof(file, thrown));
    }
  }
  const more = signatures - mostTokens;
  if (more > 0) failed.set("more", noProof(`${more} more of them`, tooMany()));
  return { contents, stamps, failed };
}

/** Whether no archive time-stamp is over it. */
export function isOutermost(one: SealStamp, stamps: readonly SealStamp[]): boolean {
  return !stamps.some((other) => isOver(other, one));
}

/** First the index, then what the token is over (5.5.2). Refuses TIME-FORM, TIME-IMPRINT, and as `checkToken`. */
async function openArchive(
  host: Host,
  { documentDigest, seal: { signer } }: StampedSeal,
  finder: CoverFinder,
  token: Uint8Array,
): Promise<Pick<SealStamp, "stamp" | "cover">> {
  const { der, index } = hashIndexIn(token);
  const cover = await finder.cover(index);
  const stamp = await checkToken(host, token, async (hash) => {
    if (hash === index.hash) return archiveImprint(host, hash, { documentDigest, signer }, der);
    const detail = { expected: index.hash, got: hash };
    throw new Refusal("TIME-IMPRINT", "the token uses another hash than its hash index", detail);
  });
  return { stamp, cover };
}

async function judge(
  host: Host,
  trust: Trust,
  one: SealStamp,
  about: {
    readonly stamps: readonly SealStamp[];
    readonly existed: Utc | undefined;
    readonly claim: { readonly signed: Utc; readonly errorSeconds: number; readonly own: OwnTime };
  },
): Promise<TimeProof> {
  try {
    await checkAnchored(host, [one.stamp], about.claim.own);
    checkOrder(one, about.stamps);
    const proof = await proofOf(host, trust, one.file, [one.stamp], about.existed);
    checkNotBefore(proof, about.claim.signed, about.claim.errorSeconds);
    return proof;
  } catch (thrown) {
    return noProof(one.file, thrown);
  }
}

/** Refuses TIME-ORDER an archive time-stamp from before one that it is over. */
function checkOrder(one: SealStamp, stamps: readonly SealStamp[]): void {
  for (const { file, stamp } of stamps.filter((other) => isOver(one, other))) {
    if (latestOf(one.stamp.info) >= stamp.info.time) continue;
    throw new Refusal("TIME-ORDER", `the archive time-stamp is older than ${file}, which it is over`, {
      expected: `${stamp.info.time} or later`,
      got: latestOf(one.stamp.info),
    });
  }
}

/** Each after all that are over it. Since an index holds hashes of what it is over, none can be over itself, by whatever way. */
function outermostFirst(stamps: readonly SealStamp[]): readonly SealStamp[] {
  const ordered: SealStamp[] = [];
  for (let left = [...stamps]; left.length > 0; left = left.filter((one) => !ordered.includes(one))) {
    const free = left.filter((one) => isOutermost(one, left));
    ordered.push(...(free.length > 0 ? free : left));
  }
  return ordered;
}

function isOver({ cover }: SealStamp, other: SealStamp): boolean {
  return cover?.has.attributes.has(other.at) === true;
}

/** Proofs that count of the archive time-stamps over it. */
function proofsOver(
  one: SealStamp,
  stamps: readonly SealStamp[],
  proofs: ReadonlyMap<string, TimeProof>,
): readonly TimeProof[] {
  const over = stamps.filter((other) => isOver(other, one)).flatMap((other) => proofs.get(other.file) ?? []);
  return over.filter(({ discounted }) => discounted === null);
}

/** It cannot be over itself, nor over those that are over it. */
function coverOf(contents: SealContents, one: SealStamp, stamps: readonly SealStamp[]): Pick<TimeProof, "over"> {
  const { cover } = one;
  if (!cover) return {};
  const later = stamps.filter((other) => isOver(other, one)).map(({ at }) => at);
  const { attributes, certificates, crls } = cover.has;
  const left = leftOut(contents, cover, new Set([one.at, ...later]));
  return {
    over: { certificates: certificates.size, crls: crls.size, attributes: attributes.size, leftOut: left },
  };
}

function isArchive(file: string): boolean {
  return file.startsWith("archive-time-stamp ");
}

/** Signature time-stamps that are looked at: each may cost a search for a path. Archive time-stamps are as few as unsigned attributes may be. */
const mostTokens = 8;

function tooMany(): Refusal {
  return new Refusal("TIME-FORM", "no more time-stamps of one seal are looked at", {
    expected: `at most ${mostTokens}`,
  });
}
