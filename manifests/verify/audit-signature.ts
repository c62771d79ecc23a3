/** The audit key's one signature, as manifests and refusals carry it. */

import type { SignedData, SignerInfo } from "../cms/read.ts";
import { verifySigner } from "../cms/verify.ts";
import { type OwnOids, oid, ownOids } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { withDigest } from "../records/person.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { boxPath, leastRsaBits, type Trust } from "./trust.ts";

export interface AuditSignature {
  /** the audit certificate */
  readonly certificate: Certificate;
  /** hex */
  readonly certificateSha256: string;
  /** as claimed */
  readonly signed: Utc;
  /** audit certificate … root */
  readonly path: readonly Certificate[];
}

/** The arc of a file is what stands before its type's own number. Refuses with CMS-TYPE a file of another type. */
export function oidsOfType(data: Pick<SignedData, "eContentType">, type: "closing" | "manifest" | "refusal"): OwnOids {
  const { eContentType } = data;
  const oids = ownOids(eContentType.slice(0, Math.max(0, eContentType.lastIndexOf("."))));
  if (oids[type] !== eContentType) throw new Refusal("CMS-TYPE", `not a ${type}`, { got: eContentType });
  return oids;
}

/**
 * Verifies the one signature over `content`, by exactly the attributes that a box signs, with the audit usage, chained to a
 * root at the claimed time. Refuses CMS-SIGNERS, CMS-*, PATH-*.
 */
export async function checkAuditSignature(
  host: Host,
  { data, content, oids }: { readonly data: SignedData; readonly content: Uint8Array; readonly oids: OwnOids },
  trust: Trust,
): Promise<AuditSignature> {
  const [signer, second] = data.signers;
  if (!signer || second) {
    throw new Refusal("CMS-SIGNERS", "the audit key signs alone", { expected: "1", got: `${data.signers.length}` });
  }
  checkAttributes(signer);
  const { certificates, eContentType } = data;
  const verified = await verifySigner(host, signer, {
    certificates,
    eContentType,
    contentDigest: (hash) => host.digest(hash, content),
    minimumRsaBits: leastRsaBits,
  });
  const { certificate, certificateSha256, signingTime: signed } = await withDigest(host, verified);
  const path = await boxPath(host, trust, {
    leaf: certificate.der,
    certificates,
    at: signed,
    extendedKeyUsage: oids.audit,
    policy: undefined,
  });
  return { certificate, certificateSha256, signed, path };
}

/** Nobody but the box signs with the audit key, so nothing stands here that it would not write. */
function checkAttributes({ attributes, unsigned }: SignerInfo): void {
  if (unsigned) throw new Refusal("CMS-ATTRIBUTES", "unsigned attributes have no place beside the audit key's");
  const missing = signedAttributes.find((id) => !attributes.some((one) => one.oid === id));
  if (missing) throw new Refusal("CMS-ATTRIBUTES", "a signed attribute is missing", { expected: missing });
  const unknown = attributes.find((one) => !signedAttributes.includes(one.oid));
  if (unknown) throw new Refusal("CMS-ATTRIBUTES", "a signed attribute is not known here", { got: unknown.oid });
}

const signedAttributes: readonly string[] = [
  oid.contentType,
  oid.messageDigest,
  oid.signingTime,
  oid.signingCertificateV2,
  oid.algorithmProtection,
];
