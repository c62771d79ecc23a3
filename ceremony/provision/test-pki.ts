/** The test PKI: a root in software, and what it certifies for the box, its people and a submitter. */

import { generateKeyPairSync } from "node:crypto";
import type { OwnOids } from "../../manifests/encoding/oid.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { CertificateRequest } from "../../manifests/x509/certificate-request.ts";
import { type Issuer, issueCertificate, nameOf, type Usage, type Validity } from "./certificate.ts";

const testOrganization = "Coldseal TEST";

export type TestRole = "sealing" | "audit" | "operator" | "submitter" | "plainSubmitter" | "acknowledging";

const hour = 3_600_000;
const day = 24 * hour;

/** Valid from an hour ago (clocks of two machines differ) for the given days. */
function validityFor(days: number, now = Date.now()): Validity {
  return { from: utcOf(now - hour), to: utcOf(now + days * day) };
}

/** A new root with an RSA-3072 key in software, for tests only; RSA because node-forge, which writes the submitter's PKCS#12, knows nothing else. */
export function makeRoot(): Issuer {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  const name = nameOf(testOrganization, "Test root");
  const usage: Usage = { authority: true, contentCommitment: false, extended: [] };
  const issuer = { key: privateKey, name, spki };
  const certificate = issueCertificate({ subject: name, spki, usage, validity: validityFor(3650), issuer });
  return { ...issuer, certificate };
}

/** Certifies a key for one role, with key usage and the role's own extended key usage. */
export function certify(root: Issuer, oids: OwnOids, role: TestRole, common: string, spki: Uint8Array): Uint8Array {
  return issueCertificate({
    subject: nameOf(testOrganization, common),
    spki,
    usage: { authority: false, contentCommitment: !role.endsWith("ubmitter"), extended: extendedUsages(oids, role) },
    validity: validityFor(730),
    issuer: root,
  });
}

/** Certifies what a request asks for, as a CA that trusts it would: subject, key and extended key usages are the request's. */
export function certifyRequest(root: Issuer, request: CertificateRequest): Uint8Array {
  const { criticalUsage, extendedKeyUsage, spki, subject } = request;
  const usage: Usage = {
    authority: false,
    contentCommitment: true,
    critical: criticalUsage,
    extended: extendedKeyUsage,
  };
  return issueCertificate({ subject, spki, usage, validity: validityFor(730), issuer: root });
}

function extendedUsages(oids: OwnOids, role: TestRole): string[] {
  return role === "sealing" ? [oids.sealing, oid.documentSigning] : [oids[role]];
}

/** PEM (RFC 7468) of one DER object. */
export function pem(label: "CERTIFICATE" | "PRIVATE KEY", der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
