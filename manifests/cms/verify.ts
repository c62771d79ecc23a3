/** Verifying one signer of a SignedData (RFC 5652 5.6), bound to its certificate (RFC 5035), with every check that others leave out. */

import { equal } from "../encoding/bytes.ts";
import { content, DerReader, readTime, tag } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { type Certificate, issuerAndSerial, readCertificate } from "../x509/certificate.ts";
import { checkAlgorithmProtection } from "./algorithm-protection.ts";
import { checkSignature } from "./signature.ts";
import type { SignerInfo } from "./signer-info.ts";
import { checkSigningCertificate } from "./signing-certificate.ts";
import { type HashName, hashBytes } from "./suite.ts";

export interface VerifiedSigner {
  readonly signer: SignerInfo;
  readonly certificate: Certificate;
  /** as the signer claims it */
  readonly signingTime: Utc;
}

/** A signature that holds, of a signer who may claim no time. */
export type CheckedSigner = Omit<VerifiedSigner, "signingTime">;

export interface SignerContext {
  /** DER; the signer's must stand among them exactly once */
  readonly certificates: readonly Uint8Array[];
  readonly eContentType: string;
  /** the digest of the content by the signer's hash */
  readonly contentDigest: (hash: HashName) => Promise<Uint8Array>;
  /** 2048 unless said */
  readonly minimumRsaBits?: number;
  /** whether signing-certificate-v2 may be missing, which binds the signature to the certificate by more than issuer and serial; it may not unless said */
  readonly signingCertificate?: "required" | "optional";
  /** who wrote signing-certificate-v2; ourselves unless said */
  readonly by?: "ourselves" | "others";
}

/**
 * Verifies that the signer signed content of this type and digest with the key of the one certificate that the signed
 * attributes are bound to. Says nothing of the certificate's path or validity. Refuses CMS-CERTIFICATE (none, two, or
 * another certificate), CMS-ATTRIBUTES, CMS-TYPE, CMS-DIGEST, CMS-ALGORITHM, CMS-SIGNATURE, PATH-FORM, PATH-KEY.
 */
export async function verifySigner(host: Host, signer: SignerInfo, context: SignerContext): Promise<VerifiedSigner> {
  const signingTime = readSigningTime(signer);
  return { ...(await checkSigner(host, signer, context)), signingTime };
}

/** As `verifySigner`, but that no time need be claimed. */
export async function checkSigner(host: Host, signer: SignerInfo, context: SignerContext): Promise<CheckedSigner> {
  const certificate = readCertificate(pickCertificate(signer, context.certificates));
  checkContentType(signer, context.eContentType);
  await checkBinding(host, signer, certificate, context);
  checkAlgorithmProtection(signer);
  await checkMessageDigest(signer, context);
  await checkSignature(host, {
    suite: signer.suite,
    spki: certificate.spki,
    message: signer.signedAttributes,
    signature: signer.signature,
    minimumRsaBits: context.minimumRsaBits ?? 2048,
  });
  return { signer, certificate };
}

/** The value of a signed attribute; undefined when it is not there. */
export function attributeValue(signer: SignerInfo, name: string): Uint8Array | undefined {
  return signer.attributes.find((attribute) => attribute.oid === name)?.value;
}

/** The value of a signed attribute; refuses CMS-ATTRIBUTES when it is not there. */
export function requiredAttribute(signer: SignerInfo, name: string): Uint8Array {
  const value = attributeValue(signer, name);
  if (!value) throw new Refusal("CMS-ATTRIBUTES", "a signed attribute is missing", { expected: name });
  return value;
}

/** By identifier, never by position; two with the same name and number are refused (T12). */
function pickCertificate(signer: SignerInfo, certificates: readonly Uint8Array[]): Uint8Array {
  const named = certificates.filter((certificate) => {
    const { issuer, serial } = issuerAndSerial(certificate);
    return equal(issuer, signer.issuer) && equal(serial, signer.serial);
  });
  const [only, second] = named;
  if (!only) throw new Refusal("CMS-CERTIFICATE", "the signer's certificate is missing");
  if (second) throw new Refusal("CMS-CERTIFICATE", "two certificates have the signer's issuer and serial number");
  return only;
}

/** Where the attribute may be missing it must agree all the same once it is there. */
async function checkBinding(
  host: Host,
  signer: SignerInfo,
  certificate: Certificate,
  { by, signingCertificate: wanted }: Pick<SignerContext, "by" | "signingCertificate">,
): Promise<void> {
  if (wanted === "optional" && attributeValue(signer, oid.signingCertificateV2) === undefined) return;
  await checkSigningCertificate(host, requiredAttribute(signer, oid.signingCertificateV2), certificate, by);
}

/** RFC 5652 11.1. */
function checkContentType(signer: SignerInfo, eContentType: string): void {
  const value = requiredAttribute(signer, oid.contentType);
  const reader = new DerReader(value, { start: 0, end: value.length }, "CMS-ATTRIBUTES");
  const got = reader.oid();
  reader.finish();
  if (got !== eContentType) {
    throw new Refusal("CMS-TYPE", "the signed content type is not the content's", { expected: eContentType, got });
  }
}

/** RFC 5652 11.2: the digest that was signed, of the length of the signer's hash. Refuses CMS-ATTRIBUTES. */
export function messageDigestOf(signer: SignerInfo): Uint8Array {
  const value = requiredAttribute(signer, oid.messageDigest);
  const reader = new DerReader(value, { start: 0, end: value.length }, "CMS-ATTRIBUTES");
  const signed = content(value, reader.read(tag.octetString));
  reader.finish();
  if (signed.length !== hashBytes[signer.suite.hash]) {
    throw new Refusal("CMS-ATTRIBUTES", "the message digest has a wrong length");
  }
  return signed;
}

/** A value that is not a digest of the signer's hash is refused before the content is read. */
async function checkMessageDigest(signer: SignerInfo, context: SignerContext): Promise<void> {
  const signed = messageDigestOf(signer);
  const { hash } = signer.suite;
  if (!equal(signed, await context.contentDigest(hash))) {
    throw new Refusal("CMS-DIGEST", "the content is not what was signed");
  }
}

/** When the signer claims to have signed (RFC 5652 11.3). Refuses CMS-ATTRIBUTES, DER. */
export function readSigningTime(signer: SignerInfo): Utc {
  const value = requiredAttribute(signer, oid.signingTime);
  const reader = new DerReader(value, { start: 0, end: value.length }, "CMS-ATTRIBUTES");
  const time = readTime(value, reader.any());
  reader.finish();
  return time;
}
