/**
 * Archive time-stamps in a seal (CAdES-B-LTA, ETSI EN 319 122-1 6.3): over everything that stands in it. The first makes B-LTA of B-LT; each further one keeps what
 * is beneath it after the authority's certificate, or an algorithm, has ended.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { type Stamped, stampInTurn } from "../../host/tsa/tsa-client.ts";
import { indexOf, writeHashIndex } from "../../manifests/cms/hash-index.ts";
import { type RevocationValues, withoutRevocation, withRevocation } from "../../manifests/cms/revocation-values.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { withUnsigned } from "../../manifests/cms/unsigned-attributes.ts";
import { readSigningTime } from "../../manifests/cms/verify.ts";
import { type OwnOids, oid } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readSeal, sealFile } from "../../manifests/records/seal.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { archiveImprint, withHashIndex } from "../../manifests/time/archive-time-stamp.ts";
import type { TimeStamp } from "../../manifests/time/token.ts";
import { contentsOf } from "../../manifests/verify/archive-cover.ts";
import {
  checkSealTimeStamps,
  isOutermost,
  openStamps,
  type StampedSeal,
} from "../../manifests/verify/seal-time-stamps.ts";
import type { TimeProof } from "../../manifests/verify/time-evidence.ts";
import type { Trust } from "../../manifests/verify/trust.ts";

export interface ArchiveWanted {
  readonly oids: OwnOids;
  /** asked one after another */
  readonly urls: readonly string[];
  /** roots of the authorities, DER */
  readonly authorities: readonly Uint8Array[];
  /** of the archive time-stamp: the digest, the index and the document's */
  readonly hash: HashName;
  readonly documentDigest: StampedSeal["documentDigest"];
}

/** The seal with one more archive time-stamp, over all that is in it. Refuses TSA-ANSWER, TIME-* what a verifier would not count. */
export async function archiveSeal(
  bytes: Uint8Array,
  { authorities, documentDigest, hash, oids, urls }: ArchiveWanted,
): Promise<{ readonly seal: Uint8Array; readonly stamped: Stamped }> {
  const { base, values } = withoutRevocation(bytes);
  const seal = readSeal(base, oids);
  const index = await indexOf(nodeHost, hash, contentsOf(seal, values));
  const digest = await archiveImprint(nodeHost, hash, { documentDigest, signer: seal.signer }, writeHashIndex(index));
  const stamped = await stampInTurn(urls, { hash, digest }, authorities);
  const value = withHashIndex(stamped.token, index);
  const signerInfo = withUnsigned(seal.signer, [{ oid: oid.archiveTimeStampV3, value }]);
  const made = withRevocation(sealFile({ certificates: seal.certificates, signerInfo }), values);
  await readBack(made, { authorities, documentDigest, oids, values }, stamped);
  return { seal: made, stamped };
}

/**
 * What the time-stamps of a seal prove now, by these lists and responses, and those among them that nothing is over yet. Refuses as `readSeal`.
 */
export async function stampsNow(
  bytes: Uint8Array,
  about: Pick<ArchiveWanted, "authorities" | "documentDigest" | "oids"> & { readonly values: RevocationValues },
): Promise<{ readonly proofs: readonly TimeProof[]; readonly outermost: readonly TimeStamp[] }> {
  const { authorities, documentDigest, oids, values } = about;
  const { base, values: own } = withoutRevocation(bytes);
  const seal = readSeal(base, oids);
  const stamped = { seal, revocation: own, documentDigest };
  const trust: Trust = { roots: [], authorities, at: utcOf(Date.now()), crls: values.crls, ocsp: values.ocsp };
  // Which key is the box's own is not known here: its policy OID is.
  const time = { policy: oids.localTime, key: undefined };
  const claim = { signed: readSigningTime(seal.signer), errorSeconds: 0, own: time };
  const proofs = await checkSealTimeStamps(nodeHost, trust, stamped, claim);
  const { stamps } = await openStamps(nodeHost, stamped);
  return { proofs, outermost: stamps.filter((one) => isOutermost(one, stamps)).map(({ stamp }) => stamp) };
}

/** At least one of them holds. Refuses as the last one's check does. */
export async function checkOneHolds(
  stamps: readonly TimeStamp[],
  check: (stamp: TimeStamp) => Promise<void>,
): Promise<void> {
  let refusal = new Refusal("TIME-FORM", "no time-stamp of this seal holds, so that none can be renewed");
  for (const one of stamps) {
    try {
      await check(one);
      return;
    } catch (fault) {
      refusal = asRefusal(fault, "INTERNAL", "the check itself failed");
    }
  }
  throw refusal;
}

/** What is written must be counted by a verifier. */
async function readBack(made: Uint8Array, about: Parameters<typeof stampsNow>[1], { stamp }: Stamped): Promise<void> {
  const { proofs } = await stampsNow(made, about);
  const last = proofs.findLast(({ stamped, over }) => over?.leftOut.length === 0 && stamped === stamp.info.time);
  if (last?.discounted === null) return;
  throw new Refusal("TIME-FORM", "the archive time-stamp that was made does not count, so that nothing is written", {
    expected: "a time-stamp over all of the seal, that is younger than those in it",
    got: proofs.flatMap(({ discounted, file }) => (discounted === null ? [] : [`${file}: ${discounted}`])).join("; "),
  });
}
