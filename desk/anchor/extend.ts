/**
 * A seal with time-stamps in it (CAdES-B-T, ETSI EN 319 122-1 6.3) and, where lists and responses are given, with what shows that nothing of its paths was
 * revoked (CAdES-B-LT): a new file; what the box signed does not change.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import {
  noValues,
  type RevocationValues,
  withoutRevocation,
  withRevocation,
} from "../../manifests/cms/revocation-values.ts";
import { withUnsigned } from "../../manifests/cms/unsigned-attributes.ts";
import { messageDigestOf, verifySigner } from "../../manifests/cms/verify.ts";
import { type OwnOids, oid } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readSeal, type Seal, sealFile } from "../../manifests/records/seal.ts";
import { authorityPath } from "../../manifests/time/token.ts";
import { checkRevocation } from "../../manifests/verify/revocation.ts";
import { boxPath, leastRsaBits } from "../../manifests/verify/trust.ts";
import { type Stamped, stampInTurn, turns } from "./tsa-client.ts";

export interface Extended {
  /** the seal's new file, DER */
  readonly seal: Uint8Array;
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
  readonly longTerm: (RevocationValues & { readonly roots: readonly Uint8Array[] }) | undefined;
}

/**
 * Adds to what is there. The document is not looked at. Refuses TSA-ANSWER, as `readSeal` and, for B-LT, where signature or path of the seal do not hold (CMS-*,
 * PATH-*) or a certificate of the paths is revoked (PATH-REVOKED) or has no answer (REVOCATION).
 */
export async function extendSeal(bytes: Uint8Array, wanted: ExtendWanted): Promise<Extended> {
  const { authorities, each, longTerm, oids, urls } = wanted;
  const { base, values } = withoutRevocation(bytes);
  const seal = readSeal(base, oids);
  const { certificates, signer } = seal;
  if (longTerm) await checkSealPath(seal, oids, longTerm);
  const { hash } = signer.suite;
  const digest = await nodeHost.digest(hash, signer.signature);
  const stamps: Stamped[] = [];
  for (const those of turns(urls, each)) {
    const stamped = await stampInTurn(those, { hash, digest }, authorities);
    if (longTerm) await checkAuthority(stamped, authorities, longTerm);
    stamps.push(stamped);
  }
  const attributes = stamps.map(({ token }) => ({ oid: oid.signatureTimeStamp, value: token }));
  const stamped = sealFile({ certificates, signerInfo: withUnsigned(signer, attributes) });
  return { seal: withRevocation(withRevocation(stamped, values), longTerm ?? noValues), stamps };
}

async function checkSealPath(
  { certificates, signer }: Seal,
  oids: OwnOids,
  { crls, ocsp, roots }: NonNullable<ExtendWanted["longTerm"]>,
): Promise<void> {
  const { certificate, signingTime } = await verifySigner(nodeHost, signer, {
    certificates,
    eContentType: oid.data,
    contentDigest: async () => messageDigestOf(signer),
  });
  const wanted = { leaf: certificate.der, certificates, extendedKeyUsage: oids.sealing, policy: undefined };
  await boxPath(nodeHost, { roots, crls, ocsp, at: utcOf(Date.now()) }, { ...wanted, at: signingTime });
}

async function checkAuthority(
  { stamp }: Stamped,
  roots: readonly Uint8Array[],
  { crls, ocsp }: RevocationValues,
): Promise<void> {
  const now = utcOf(Date.now());
  const path = await authorityPath(nodeHost, stamp, { roots, seen: now });
  const claimed = stamp.info.time;
  await checkRevocation(nodeHost, path, { crls, ocsp, claimed, now, minimumRsaBits: leastRsaBits });
}
