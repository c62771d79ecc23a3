/** Who signed a batch request, and whether the policy takes it (docs/formats.md, "batch.p7m"). */

import type { SignedData } from "../cms/read.ts";
import type { HashName } from "../cms/suite.ts";
import { type VerifiedSigner, verifySigner } from "../cms/verify.ts";
import { equal, hex } from "../encoding/bytes.ts";
import type { OwnOids } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { validatePath } from "../x509/path.ts";
import type { BatchHead } from "./batch-head.ts";
import { shown } from "./names.ts";
import { keyIdentity } from "./person.ts";
import type { Policy } from "./policy.ts";
import type { ListedDocument } from "./request.ts";

/** batch.p7m without its content, which is only known by its digests. */
export interface RequestEnvelope extends Pick<SignedData, "eContentType" | "certificates" | "signers"> {
  readonly contentDigest: (hash: HashName) => Promise<Uint8Array>;
}

export interface Submitter {
  readonly certificate: Certificate;
  /** SHA-256 of the certificate, hex */
  readonly certificateSha256Hex: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex: what SEAL-ONCE knows a submitter by */
  readonly keySha256Hex: string;
  /** the certificate's subject as text */
  readonly name: string;
  /** as the submitter claims it */
  readonly signed: Utc;
}

/**
 * Verifies a request's one signature and the submitter's path to the policy's roots at `now`, which it gives, leaf first. Every certificate in the
 * file must belong to that path. Refuses CMS-TYPE, CMS-SIGNERS, CMS-*, PATH-*, PERSON-EXCLUDED (the submitter's key is
 * an operator's, who could approve the own batch), POLICY-PROFILE. The content itself is
 * read by `RequestReader`, and its digests are the caller's word.
 */
export async function verifyRequest(
  host: Host,
  oids: OwnOids,
  envelope: RequestEnvelope,
  { policy, now }: { readonly policy: Policy; readonly now: Utc },
): Promise<{ readonly submitter: Submitter; readonly path: readonly Certificate[] }> {
  if (envelope.eContentType !== oids.request) {
    throw new Refusal("CMS-TYPE", "not a batch request", { expected: oids.request, got: envelope.eContentType });
  }
  const signer = await onlySigner(host, envelope, policy.limits.minimumRsaBits);
  const path = await validatePath(host, {
    leaf: signer.certificate.der,
    intermediates: envelope.certificates,
    roots: policy.submitters.roots,
    at: now,
    revoked: new Set(policy.revoked),
    extendedKeyUsage: oids.submitter,
    minimumRsaBits: policy.limits.minimumRsaBits,
  });
  checkAllInPath(envelope.certificates, path);
  checkIsNoOperator(policy, signer.certificate);
  return { submitter: await submitterOf(host, signer), path };
}

/**
 * Checks what a request asks for. Refuses MODE, POLICY-PROFILE (another digest algorithm), BATCH-EXPIRED (at `now`),
 * MEDIA-LIMIT (more documents or bytes than the policy takes).
 */
export function checkRequestAgainstPolicy(
  head: Pick<BatchHead, "mode" | "digestAlgorithm" | "expires">,
  policy: Policy,
  count: number,
  bytes: number,
  now: Utc,
): void {
  if (!policy.modes.includes(head.mode)) {
    throw new Refusal("MODE", "the policy does not allow this mode", {
      expected: policy.modes.join(" or "),
      got: head.mode,
    });
  }
  if (head.digestAlgorithm !== policy.profile.digest) {
    throw new Refusal("POLICY-PROFILE", "the documents' digest algorithm is not the policy's", {
      expected: policy.profile.digest,
      got: head.digestAlgorithm,
    });
  }
  if (head.expires < now) {
    throw new Refusal("BATCH-EXPIRED", "the batch has expired", { expected: `a time up to ${head.expires}`, got: now });
  }
  checkLimit(() => "documents", count, policy.limits.documents);
  checkLimit(() => "bytes", bytes, policy.limits.batchBytes);
}

/** Refuses with MEDIA-LIMIT a document that is larger than the policy takes. */
export function checkListedDocument(document: ListedDocument, policy: Policy): void {
  checkLimit(() => `bytes in ${shown(document.name)}`, document.size, policy.limits.documentBytes);
}

/** Refuses with PERSON-EXCLUDED a submitter whose key is an operator's. */
export function checkIsNoOperator(policy: Policy, submitter: Certificate): void {
  const key = keyIdentity(submitter.spki);
  for (const person of policy.people) {
    if (!person.roles.includes("operator")) continue;
    if (person.certificates.some((der) => keyIdentity(readCertificate(der).spki) === key)) {
      const got = `the key of ${person.id}, an operator`;
      throw new Refusal("PERSON-EXCLUDED", "nobody approves the own batch", { expected: "a key of nobody else", got });
    }
  }
}

async function onlySigner(host: Host, envelope: RequestEnvelope, minimumRsaBits: number): Promise<VerifiedSigner> {
  const [signer, second] = envelope.signers;
  if (!signer || second) {
    throw new Refusal("CMS-SIGNERS", "a request has one signer", { got: `${envelope.signers.length}` });
  }
  if (signer.unsigned) throw new Refusal("CMS-ATTRIBUTES", "unsigned attributes have no place in a request");
  return verifySigner(host, signer, { ...envelope, minimumRsaBits });
}

/** Refuses with CMS-CERTIFICATE a certificate that no path needs. */
export function checkAllInPath(certificates: readonly Uint8Array[], path: readonly Certificate[]): void {
  for (const der of certificates) {
    if (!path.some((one) => equal(one.der, der))) {
      throw new Refusal("CMS-CERTIFICATE", "a certificate stands here that is not in the submitter's path");
    }
  }
}

/** The signer as the submitter of a batch. */
export async function submitterOf(host: Host, { certificate, signingTime }: VerifiedSigner): Promise<Submitter> {
  return {
    certificate,
    certificateSha256Hex: hex(await host.digest("sha256", certificate.der)),
    keySha256Hex: hex(await host.digest("sha256", certificate.spki)),
    name: certificate.subjectText,
    signed: signingTime,
  };
}

/** `what` is only worded where there is too much of it. */
function checkLimit(what: () => string, got: number, most: number): void {
  if (got > most) {
    throw new Refusal("MEDIA-LIMIT", `too many ${what()}`, { expected: `at most ${most}`, got: `${got}` });
  }
}
