/**
 * A seal with time-stamps in it (CAdES-B-T, ETSI EN 319 122-1 6.3) and, where lists and responses are given, with what shows that nothing of its paths was
 * revoked (CAdES-B-LT), and over all of that an archive time-stamp (CAdES-B-LTA): a new file; what the box signed does not change.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { type Stamped, stampInTurn, turns } from "../../host/tsa/tsa-client.ts";
import {
  noValues,
  type RevocationValues,
  withoutRevocation,
  withRevocation,
} from "../../manifests/cms/revocation-values.ts";
import { mostUnsigned } from "../../manifests/cms/signer-info.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { unsignedAttributes, unsignedValues, withUnsigned } from "../../manifests/cms/unsigned-attributes.ts";
import { messageDigestOf, verifySigner } from "../../manifests/cms/verify.ts";
import { type OwnOids, oid } from "../../manifests/encoding/oid.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { readSeal, type Seal, sealFile } from "../../manifests/records/seal.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { authorityPath, type TimeStamp } from "../../manifests/time/token.ts";
import { checkRevocation } from "../../manifests/verify/revocation.ts";
import { provenTime } from "../../manifests/verify/time-evidence.ts";
import { boxPath, leastRsaBits } from "../../manifests/verify/trust.ts";
import { archiveSeal, checkOneHolds, stampsNow } from "./archive.ts";

export interface Extended {
  /** the seal's new file, DER */
  readonly seal: Uint8Array;
  readonly level: "CAdES-B-T" | "CAdES-B-LT" | "CAdES-B-LTA";
  readonly stamps: readonly Stamped[];
}

export interface ExtendWanted {
  readonly oids: OwnOids;
  readonly urls: readonly string[];
  /** roots of the authorities, DER */
  readonly authorities: readonly Uint8Array[];
  /** a time-stamp of each of them, not of the first that answers */
  readonly each: boolean;
  /** for B-LT: roots of the box's CA, DER, and lists and responses for all certificates of the seal's and the authorities' paths; undefined: B-T */
  readonly longTerm: LongTerm | undefined;
  /** for B-LTA, with `longTerm`: an archive time-stamp over all of it */
  readonly archive?: {
    /** the seal's own unless said */
    readonly hash: HashName | undefined;
    /** digest of the document that a seal is over, by another hash than the seal's */
    readonly documentDigest: (seal: Seal, hash: HashName) => Promise<Uint8Array>;
  };
}

type LongTerm = RevocationValues & { readonly roots: readonly Uint8Array[] };

/**
 * Adds to what is there. The document is not looked at, but for an archive time-stamp by another hash than the seal's. Refuses TSA-ANSWER, as `readSeal` and, for B-LT, where signature or path of
 * the seal do not hold (CMS-*, PATH-*) or a certificate of the paths is revoked (PATH-REVOKED) or has no answer (REVOCATION). What an archive time-stamp is already over gets no more
 * signature time-stamps, which it would not be over: USAGE unless another one is wanted.
 */
export async function extendSeal(bytes: Uint8Array, wanted: ExtendWanted): Promise<Extended> {
  const { archive, longTerm, oids } = wanted;
  const { base, values } = withoutRevocation(bytes);
  const seal = readSeal(base, oids);
  if (longTerm && archive) return archived(bytes, seal, values, { ...wanted, archive, longTerm });
  if (unsignedValues(seal.signer, oid.archiveTimeStampV3).length > 0) {
    throw new Refusal(
      "USAGE",
      "this seal has an archive time-stamp: a signature time-stamp would stand outside of it",
      {
        expected: "--archive, for another archive time-stamp over all of it",
      },
    );
  }
  if (longTerm) await checkSealPath(seal, oids, longTerm);
  const { file, stamps } = await withSignatureStamps(seal, wanted);
  const level = longTerm ? "CAdES-B-LT" : "CAdES-B-T";
  return { seal: withRevocation(withRevocation(file, values), longTerm ?? noValues), level, stamps };
}

/** Time-stamps over the signature, each of an authority whose path is answered for where it must be. */
async function withSignatureStamps(
  { certificates, signer }: Seal,
  { authorities, each, longTerm, urls }: Pick<ExtendWanted, "authorities" | "each" | "longTerm" | "urls">,
): Promise<{ readonly file: Uint8Array; readonly stamps: readonly Stamped[] }> {
  const { hash } = signer.suite;
  const digest = await nodeHost.digest(hash, signer.signature);
  const stamps: Stamped[] = [];
  for (const those of turns(urls, each)) {
    const stamped = await stampInTurn(those, { hash, digest }, authorities);
    if (longTerm) await checkAuthority(stamped.stamp, authorities, longTerm);
    stamps.push(stamped);
  }
  const attributes = stamps.map(({ token }) => ({ oid: oid.signatureTimeStamp, value: token }));
  return { file: sealFile({ certificates, signerInfo: withUnsigned(signer, attributes) }), stamps };
}

/**
 * B-LTA: a signature time-stamp where there is none; what answers for the seal's path, and for the authority of a time-stamp that nothing is over yet; then the archive
 * time-stamps. That authority must hold today, since what does not is not kept by a further one.
 */
async function archived(
  bytes: Uint8Array,
  seal: Seal,
  values: RevocationValues,
  wanted: ExtendWanted & Required<Pick<ExtendWanted, "archive">> & { readonly longTerm: LongTerm },
): Promise<Extended> {
  const { archive, authorities, each, longTerm, oids, urls } = wanted;
  const { hash: own } = seal.signer.suite;
  const hash = archive.hash ?? own;
  const documentDigest = async (name: HashName) =>
    name === own ? messageDigestOf(seal.signer) : archive.documentDigest(seal, name);
  const room = mostUnsigned - unsignedAttributes(seal.signer).length;
  if (room < turns(urls, each).length) {
    throw new Refusal("USAGE", "this seal has as many unsigned attributes as it may have", {
      expected: `at most ${mostUnsigned}`,
      got: `${mostUnsigned - room} are there`,
    });
  }
  const all = { crls: [...longTerm.crls, ...values.crls], ocsp: [...longTerm.ocsp, ...values.ocsp] };
  const about = { authorities, documentDigest, oids, values: all };
  const { outermost, proofs } = await stampsNow(bytes, about);
  const proven = provenTime(proofs) ?? undefined;
  await checkSealPath(seal, oids, { ...all, roots: longTerm.roots, proven });
  let file = bytes;
  const stamps: Stamped[] = [];
  if (outermost.length === 0) {
    const made = await withSignatureStamps(seal, wanted);
    stamps.push(...made.stamps);
    file = withRevocation(made.file, values);
  } else {
    await checkOneHolds(outermost, (stamp) => checkAuthority(stamp, authorities, all));
  }
  file = withRevocation(file, longTerm);
  for (const those of turns(urls, each)) {
    const made = await archiveSeal(file, { authorities, documentDigest, hash, oids, urls: those });
    file = made.seal;
    stamps.push(made.stamped);
  }
  return { seal: file, level: "CAdES-B-LTA", stamps };
}

async function checkSealPath(
  { certificates, signer }: Seal,
  oids: OwnOids,
  { crls, ocsp, proven, roots }: LongTerm & { readonly proven?: Utc | undefined },
): Promise<void> {
  const { certificate, signingTime } = await verifySigner(nodeHost, signer, {
    certificates,
    eContentType: oid.data,
    contentDigest: async () => messageDigestOf(signer),
  });
  const wanted = { leaf: certificate.der, certificates, extendedKeyUsage: oids.sealing, policy: undefined };
  const trust = { roots, crls, ocsp, at: utcOf(Date.now()), ...(proven === undefined ? {} : { proven }) };
  await boxPath(nodeHost, trust, { ...wanted, at: signingTime });
}

async function checkAuthority(
  stamp: TimeStamp,
  roots: readonly Uint8Array[],
  { crls, ocsp }: RevocationValues,
): Promise<void> {
  const now = utcOf(Date.now());
  const path = await authorityPath(nodeHost, stamp, { roots, seen: now });
  const claimed = stamp.info.time;
  await checkRevocation(nodeHost, path, { crls, ocsp, claimed, now, minimumRsaBits: leastRsaBits });
}
