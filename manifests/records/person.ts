/** Which person of a policy a signature counts for, and whether two signatures are one person's (T15). */

import type { VerifiedSigner } from "../cms/verify.ts";
import { equal, hex } from "../encoding/bytes.ts";
import { ownOids } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { checkKey, readPublicKey } from "../x509/key.ts";
import { excludedRoles, type Person, type Policy } from "./policy.ts";

/** A verified signer with the SHA-256 of its certificate, in hex: what policies revoke and manifests name. */
export interface DigestedSigner extends VerifiedSigner {
  readonly certificateSha256: string;
}

/** A signer whose certificate the policy names. */
export interface KnownSigner extends DigestedSigner {
  readonly person: Person;
}

export async function withDigest(host: Host, signer: VerifiedSigner): Promise<DigestedSigner> {
  return { ...signer, certificateSha256: hex(await host.digest("sha256", signer.certificate.der)) };
}

/** The signers as the policy's persons. Refuses with PERSON-UNKNOWN a certificate that is not byte-equal to one of the policy's. */
export function knownSigners(policy: Policy, signers: readonly DigestedSigner[]): readonly KnownSigner[] {
  return signers.map((signer) => {
    const person = policy.people.find((one) => one.certificates.some((der) => equal(der, signer.certificate.der)));
    if (!person) {
      throw new Refusal("PERSON-UNKNOWN", "a signer's certificate is not one that the policy names", {
        got: signer.certificate.subjectText,
        about: signer.certificateSha256,
      });
    }
    return { ...signer, person };
  });
}

/** Refuses with PERSON-TWICE when a person, a certificate or a public key, in whatever encoding, stands twice. */
export function checkDistinct(signers: readonly KnownSigner[]): void {
  const seen = new Set<string>();
  for (const { person, certificateSha256, certificate } of signers) {
    for (const mark of [`person ${person.id}`, `certificate ${certificateSha256}`, keyIdentity(certificate.spki)]) {
      if (seen.has(mark)) {
        throw new Refusal("PERSON-TWICE", "signatures of one person, certificate or key count once", {
          got: `twice ${mark}`,
          about: person.id,
        });
      }
      seen.add(mark);
    }
  }
}

/** Refuses with PERSON-EXCLUDED whoever holds a role that bars from approving, PERSON-ROLE whoever lacks `role`. */
export function checkRole(person: Person, role: "operator" | "officer"): void {
  const barred = excludedRoles.find((one) => person.roles.includes(one));
  if (barred) {
    throw new Refusal("PERSON-EXCLUDED", `${person.id} is ${barred} and may not approve`, { about: person.id });
  }
  if (!person.roles.includes(role)) {
    throw new Refusal("PERSON-ROLE", `${person.id} does not have the role that this needs`, {
      expected: role,
      got: person.roles.join(", "),
      about: person.id,
    });
  }
}

/**
 * Checks a pinned certificate by itself: not revoked, valid when it claims to have signed and at `at`, made for signatures
 * of operators, of a key that fits and is strong enough. Refuses PATH-REVOKED, PATH-TIME, PATH-USAGE, PATH-KEY, CMS-ALGORITHM.
 */
export function checkPersonCertificate(policy: Policy, signer: DigestedSigner, at: Utc): void {
  const { certificate, signingTime } = signer;
  if (policy.revoked.includes(signer.certificateSha256)) {
    throw new Refusal("PATH-REVOKED", "the policy revokes a signer's certificate", { about: certificate.subjectText });
  }
  for (const time of [signingTime, at]) checkValidAt(certificate, time);
  checkUsage(certificate, ownOids(policy.arc).operator);
  checkKey(signer.signer.suite, certificate.spki, policy.limits.minimumRsaBits);
}

/**
 * One text for all certificates and encodings of a key: RSA by modulus, elliptic curves by curve and x (whoever holds
 * the key of a point holds that of its negative). Refuses PATH-KEY or DER a key in any but the one encoding.
 */
export function keyIdentity(spki: Uint8Array): string {
  const key = readPublicKey(spki);
  if (key.kind === "rsa") return `key rsa ${hex(key.modulus)}`;
  return `key ${key.scheme} ${hex(key.point.subarray(1, 1 + (key.point.length - 1) / 2))}`;
}

/** Refuses PATH-TIME, in the words `what`, a certificate that is not valid then. */
export function checkValidAt(
  certificate: Certificate,
  time: Utc,
  what = "a signer's certificate is not valid at this time",
): void {
  if (time >= certificate.notBefore && time <= certificate.notAfter) return;
  throw new Refusal("PATH-TIME", what, {
    expected: `${certificate.notBefore} to ${certificate.notAfter}`,
    got: time,
    about: certificate.subjectText,
  });
}

function checkUsage(certificate: Certificate, extendedKeyUsage: string): void {
  const about = certificate.subjectText;
  const usage = certificate.keyUsage ?? [];
  const signs = usage.includes("digitalSignature") || usage.includes("nonRepudiation");
  if (certificate.isCa || !signs)
    throw new Refusal("PATH-USAGE", "not a certificate for signatures of people", { about });
  if (!certificate.extendedKeyUsage.includes(extendedKeyUsage)) {
    throw new Refusal("PATH-USAGE", "the extended key usage is missing", { about, expected: extendedKeyUsage });
  }
}
