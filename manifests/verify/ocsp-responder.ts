/**
 * Whether whoever signed an OCSP response may answer for a certificate (RFC 6960 4.2.2.2): its issuer, or a delegate whom that very key
 * certified for it. Responders that are trusted for another reason there are none.
 */

import { checkSignature } from "../cms/signature.ts";
import { equal } from "../encoding/bytes.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { subjectAltName } from "../x509/extensions.ts";
import { publicKeyBits } from "../x509/key.ts";
import { checkNameConstraints } from "../x509/name-constraints.ts";
import type { OcspResponse, ResponderId } from "../x509/ocsp.ts";

export interface Authority {
  /** the certificate's issuer first, the root last */
  readonly issuers: readonly [Certificate, ...Certificate[]];
  readonly minimumRsaBits: number;
}

/**
 * The delegate that signed; undefined where the issuer itself did. A delegate's own revocation is not looked at here. Refuses PATH-ROOT (nobody whom the response names signed it, or not
 * by the issuer's leave), PATH-TIME (not valid when it was produced), PATH-USAGE, PATH-CRITICAL, PATH-CONSTRAINT.
 */
export async function checkResponder(
  host: Host,
  response: OcspResponse,
  { issuers, minimumRsaBits }: Authority,
): Promise<Certificate | undefined> {
  const [issuer] = issuers;
  const signedBy = async (one: Certificate) =>
    (await isNamed(host, response.responder, one)) && (await holds(host, response, one.spki, minimumRsaBits));
  if (await signedBy(issuer)) {
    if (issuer.keyUsage?.some((usage) => usage === "cRLSign" || usage === "digitalSignature")) return undefined;
    throw new Refusal("PATH-USAGE", "an OCSP response whose signer's key usage does not allow it");
  }
  for (const delegate of response.certificates) {
    if (!(await signedBy(delegate))) continue;
    await checkIssued(host, delegate, issuer, minimumRsaBits);
    checkDelegate(delegate, response.producedAt);
    for (const { nameConstraints } of issuers) if (nameConstraints) checkNameConstraints(nameConstraints, delegate);
    return delegate;
  }
  throw new Refusal("PATH-ROOT", "an OCSP response whose signature does not hold by whom it names");
}

async function isNamed(host: Host, responder: ResponderId, { spki, subject }: Certificate): Promise<boolean> {
  if (responder.kind === "name") return equal(responder.name, subject);
  return equal(responder.hash, await host.sha1(publicKeyBits(spki)));
}

function holds(
  host: Host,
  { signature, signatureSuite: suite, tbs: message }: Pick<OcspResponse, "signature" | "signatureSuite" | "tbs">,
  spki: Uint8Array,
  minimumRsaBits: number,
): Promise<boolean> {
  return checkSignature(host, { suite, spki, message, signature, minimumRsaBits }).then(
    () => true,
    () => false,
  );
}

/** Directly: by the key that issued the certificate that is asked about. */
async function checkIssued(host: Host, delegate: Certificate, issuer: Certificate, bits: number): Promise<void> {
  if (equal(delegate.issuer, issuer.subject) && (await holds(host, delegate, issuer.spki, bits))) return;
  throw new Refusal("PATH-ROOT", "an OCSP response by a responder whom the issuer did not certify");
}

const understood: readonly string[] = [
  oid.keyUsage,
  oid.basicConstraints,
  oid.extendedKeyUsage,
  oid.certificatePolicies,
  subjectAltName,
  oid.ocspNoCheck,
];

/** No CA; names the extended key usage itself; its key usage, where it has one, allows signatures; valid then; nothing critical that is not understood. */
function checkDelegate(delegate: Certificate, producedAt: Utc): void {
  if (producedAt < delegate.notBefore || producedAt > delegate.notAfter) {
    throw new Refusal("PATH-TIME", "an OCSP response by a responder whose certificate was not valid then");
  }
  const { extendedKeyUsage, isCa, keyUsage } = delegate;
  const signs = keyUsage?.some((usage) => usage === "digitalSignature" || usage === "nonRepudiation") ?? true;
  if (isCa || !signs || !extendedKeyUsage.includes(oid.ocspSigning)) {
    throw new Refusal("PATH-USAGE", "an OCSP response by a responder whose certificate is not for that");
  }
  if (delegate.criticalOids.some((id) => !understood.includes(id))) {
    throw new Refusal(
      "PATH-CRITICAL",
      "an OCSP response by a responder with a critical extension that is not understood",
    );
  }
}
