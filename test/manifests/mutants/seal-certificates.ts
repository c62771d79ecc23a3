/** Seals by or with certificates that may not make them (T11, T12). */

import { certificateAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import { concat } from "../../../manifests/encoding/bytes.ts";
import { der, derNull, explicit, integer, octetString, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { issuerAndSerial } from "../../../manifests/x509/certificate.ts";
import { attribute, inOrder } from "../../bundle/forge.ts";
import { audit, issuer, oids, op1, root, sealing, submitter } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { type Extension, fingerprint, type Issued, issue, makeRoot, nameOf, type Wanted } from "../../pki/authority.ts";
import { type Change, type Mutant, sealFile } from "./mutant.ts";
import { attributeOids, boundTo, certified, sealWith, withAttributes, withParts } from "./seal-forge.ts";

type Said = Mutant["openssl"];

const seal = (threat: string, title: string, ours: RefusalCode, openssl: Said, make: Mutant["make"]): Mutant => ({
  title: `seal: ${title}`,
  threat,
  ours,
  openssl,
  file: sealFile,
  make,
});

const usual = { name: "Sealing", eku: [oids.sealing] } as const;
const critical: Extension = { oid: `${oids.arc}.9.9`, critical: true, value: derNull };
const throughIssuer = (wanted: Partial<Wanted>): (() => Change) =>
  certified({}, issue(root, { name: "Box issuer", ca: true, ...wanted }));

function constraints(kind: 0 | 1, base: Uint8Array): Extension {
  return { oid: oid.nameConstraints, critical: true, value: sequence(explicit(kind, sequence(explicit(4, base)))) };
}

/** Roots, issuers and leafs. */
const paths: readonly Mutant[] = [
  seal("T11", "by the audit key", "PATH-USAGE", "accepts", () => ({ sealer: audit })),
  seal("T11", "extended key usage of an operator", "PATH-USAGE", "accepts", certified({ eku: [oids.operator] })),
  seal(
    "T11",
    "no extended key usage",
    "PATH-USAGE",
    "accepts",
    certified({ eku: [], without: [oid.extendedKeyUsage] }),
  ),
  seal("T11", "any extended key usage", "PATH-USAGE", "accepts", certified({ eku: ["2.5.29.37.0"] })),
  seal("T11", "no key usage", "PATH-USAGE", "accepts", certified({ keyUsage: null })),
  seal("T11", "key usage for encryption only", "PATH-USAGE", "accepts", certified({ keyUsage: ["keyEncipherment"] })),
  seal(
    "T11",
    "key usage of a CA beside",
    "PATH-USAGE",
    "accepts",
    certified({ keyUsage: ["digitalSignature", "keyCertSign"] }),
  ),
  seal(
    "T11",
    "a CA as signer",
    "PATH-USAGE",
    "accepts",
    certified({ ca: true, keyUsage: ["digitalSignature", "keyCertSign"] }),
  ),
  seal("T11", "a certificate that had expired", "PATH-TIME", "refuses", certified({ notAfter: times.approval })),
  seal("T11", "a certificate that was not valid yet", "PATH-TIME", "accepts", certified({ notBefore: times.manifest })),
  seal("T11", "an issuer that had expired", "PATH-TIME", "refuses", throughIssuer({ notAfter: times.approval })),
  seal("T11", "a certificate that the policy revokes", "PATH-REVOKED", "accepts", () => ({
    policy: (policy) => ({ ...policy, revoked: [fingerprint(sealing.certificate)] }),
  })),
  seal("T11", "an issuer that the policy revokes", "PATH-REVOKED", "accepts", () => ({
    policy: (policy) => ({ ...policy, revoked: [fingerprint(issuer.certificate)] }),
  })),
  seal("T11", "an unknown critical extension", "PATH-CRITICAL", "refuses", certified({ extensions: [critical] })),
  seal(
    "T11",
    "an unknown critical extension in the issuer",
    "PATH-CRITICAL",
    "refuses",
    throughIssuer({ extensions: [critical] }),
  ),
  seal(
    "T11",
    "an issuer that asks for a certificate policy, and a certificate without one",
    "PATH-CONSTRAINT",
    "accepts",
    throughIssuer({
      extensions: [{ oid: oid.policyConstraints, critical: true, value: sequence(der(0x80, Uint8Array.of(0))) }],
    }),
  ),
  seal(
    "T11",
    "a name that the issuer may not give",
    "PATH-CONSTRAINT",
    "refuses",
    throughIssuer({ extensions: [constraints(0, nameOf("Elsewhere"))] }),
  ),
  seal(
    "T11",
    "a name that is excluded",
    "PATH-CONSTRAINT",
    "refuses",
    throughIssuer({ extensions: [constraints(1, nameOf("Sealing"))] }),
  ),
  seal("T11", "a path longer than an issuer allows", "PATH-CONSTRAINT", "refuses", () => {
    const first = issue(root, { name: "First", ca: true, pathLength: 0 });
    const second = issue(first, { name: "Second", ca: true });
    return certified({}, second, [second, first])();
  }),
  seal(
    "T11",
    "an issuer that is no CA",
    "PATH-CONSTRAINT",
    "refuses",
    throughIssuer({ ca: false, keyUsage: ["keyCertSign"] }),
  ),
  seal(
    "T11",
    "an issuer that may not sign certificates",
    "PATH-CONSTRAINT",
    "refuses",
    throughIssuer({ keyUsage: ["cRLSign"] }),
  ),
  seal(
    "T11",
    "an issuer for another extended key usage",
    "PATH-USAGE",
    "accepts",
    throughIssuer({ eku: [oid.documentSigning] }),
  ),
  seal("T11", "issued by a leaf", "PATH-CONSTRAINT", "refuses", () => {
    const leaf = issue(issuer, { name: "Leaf", eku: [oids.sealing] });
    return certified({}, leaf, [leaf, issuer])();
  }),
  seal("T11", "under another root", "PATH-ROOT", "refuses", () => {
    const other = makeRoot({ name: "Other" });
    return certified({}, other, [])();
  }),
  seal("T11", "under another root of the same name", "PATH-ROOT", "refuses", () => {
    const other = makeRoot({ name: "Root" });
    return certified({}, other, [])();
  }),
  seal("T11", "under another root, which it brings along", "PATH-ROOT", "refuses", () => {
    const other = makeRoot({ name: "Other" });
    return certified({}, other)();
  }),
  seal("T11", "by a certificate that issued itself", "PATH-ROOT", "refuses", () => {
    const own = makeRoot({ ...usual, ca: false, keyUsage: ["digitalSignature"], key: sealing.key });
    return {
      sealer: own,
      seal: (facts, by, document) => sealWith(facts, by, document, { parts: { certificates: [own.certificate] } }),
    };
  }),
  seal(
    "T9",
    "a certificate signed with SHA-1 by name",
    "CMS-ALGORITHM",
    "refuses",
    certified({ algorithm: sequence(Uint8Array.fromHex("06072a8648ce3d0401")) }),
  ),
  seal(
    "T9",
    "a certificate that names another algorithm than it was signed with",
    "CMS-ALGORITHM",
    "refuses",
    certified({ algorithm: certificateAlgorithm(suiteOf("rsa-pss-sha256")) }),
  ),
  seal("T11", "by a key that the policy does not name", "SEAL-BIND", "accepts", () => ({
    sealer: issue(issuer, usual),
  })),
];

/** The same issuer and serial number as the sealing certificate's. */
const { serial } = issuerAndSerial(sealing.certificate);
const twin = issue(issuer, { ...usual, serial });
const secondForm = issue(issuer, {
  ...usual,
  serial,
  key: sealing.key,
  extensions: [{ oid: "1.2.3.4", value: octetString(new Uint8Array(9)) }],
});

const withCertificates = (...certificates: readonly Uint8Array[]) => withParts({ certificates: inOrder(certificates) });

const chosen: readonly Mutant[] = [
  seal("T12", "by another key of the same issuer and serial number", "SEAL-BIND", "accepts", () => ({ sealer: twin })),
  seal(
    "T12",
    "another key's signature beside the right certificate",
    "CMS-SIGNATURE",
    "refuses",
    withParts({ signer: { ...sealing, key: twin.key } }),
  ),
  seal(
    "T12",
    "bound to a certificate of the same issuer and number that is not there",
    "CMS-CERTIFICATE",
    "refuses",
    withAttributes({
      signingCertificate: attribute(attributeOids.signingCertificate, boundTo(secondForm.certificate)),
    }),
  ),
  seal(
    "T12",
    "another certificate of the same issuer and serial number beside it",
    "CMS-CERTIFICATE",
    "accepts",
    withCertificates(sealing.certificate, secondForm.certificate, issuer.certificate),
  ),
  seal(
    "T12",
    "another certificate of the same issuer, number and key in its place",
    "CMS-CERTIFICATE",
    "refuses",
    withCertificates(secondForm.certificate, issuer.certificate),
  ),
  seal("T12", "without certificates", "CMS-CERTIFICATE", "refuses", withParts({ certificates: null })),
  seal("T12", "without its own certificate", "CMS-CERTIFICATE", "refuses", withCertificates(issuer.certificate)),
  seal("T12", "without its issuer's certificate", "PATH-ROOT", "refuses", withCertificates(sealing.certificate)),
  seal(
    "T12",
    "with a certificate that has nothing to do with it",
    "CMS-CERTIFICATE",
    "accepts",
    withCertificates(sealing.certificate, issuer.certificate, submitter.certificate),
  ),
  seal(
    "T12",
    "with the root's certificate",
    "CMS-CERTIFICATE",
    "accepts",
    withCertificates(sealing.certificate, issuer.certificate, root.certificate),
  ),
  seal(
    "T12",
    "signer named by key identifier",
    "CMS-FORM",
    "accepts",
    withParts({ signerVersion: 3, version: 3, identifier: keyIdentifierOf(sealing) }),
  ),
  seal(
    "T12",
    "signer's serial number that is negative",
    "DER",
    "refuses",
    withParts({ identifier: sequence(issuerAndSerial(sealing.certificate).issuer, integer(-7)) }),
  ),
  seal(
    "T6",
    "certificates out of order",
    "DER",
    "accepts",
    withParts({ certificates: [...inOrder([sealing.certificate, issuer.certificate])].reverse() }),
  ),
  seal(
    "T6",
    "a certificate twice",
    "DER",
    "accepts",
    withParts({ certificates: inOrder([sealing.certificate, sealing.certificate, issuer.certificate]) }),
  ),
  seal(
    "T6",
    "an attribute certificate among the certificates",
    "CMS-FORM",
    "accepts",
    withParts({ certificates: [...inOrder([sealing.certificate, issuer.certificate]), explicit(2, op1.certificate)] }),
  ),
  seal(
    "T6",
    "a certificate with a byte after its signature",
    "DER",
    "refuses",
    withParts({ certificates: [concat([sealing.certificate, Uint8Array.of(0)]), issuer.certificate] }),
  ),
];

/** [0] SubjectKeyIdentifier as `authority.ts` makes it: the SHA-1 of the SubjectPublicKeyInfo. */
function keyIdentifierOf({ certificate }: Issued): Uint8Array {
  const at = Buffer.from(certificate).indexOf(Buffer.from("0603551d0e", "hex"));
  const id = certificate.subarray(at + 9, at + 29);
  return Uint8Array.of(0x80, 20, ...id);
}

export const sealCertificateMutants: readonly Mutant[] = [...paths, ...chosen];
