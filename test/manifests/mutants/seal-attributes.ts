/** Seals whose signed attributes are wrong (T6, T8). */

import { digestOf, sha256 } from "../../../host/crypto-host.ts";
import { digestAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import { algorithmProtection } from "../../../manifests/cms/write.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import {
  der,
  derNull,
  explicit,
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { issuerAndSerial } from "../../../manifests/x509/certificate.ts";
import { attribute, inOrder } from "../../bundle/forge.ts";
import { audit, issuer, oids, sealing } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { type Mutant, sealFile } from "./mutant.ts";
import {
  type AttributeName,
  attributeNames,
  attributeOids,
  boundTo,
  sealWith,
  valuesOf,
  withAttributes,
  withParts,
} from "./seal-forge.ts";

type Said = Mutant["openssl"];

const seal = (threat: string, title: string, ours: RefusalCode, openssl: Said, make: Mutant["make"]): Mutant => ({
  title: `seal: ${title}`,
  threat,
  ours,
  openssl,
  file: sealFile,
  make,
});

/** Another value of the right form, for each attribute. */
const others: Readonly<Record<AttributeName, Uint8Array>> = {
  contentType: objectIdentifier(oids.manifest),
  messageDigest: octetString(sha256(utf8("another document"))),
  signingTime: time(times.request),
  signingCertificate: boundTo(audit.certificate),
  algorithmProtection: algorithmProtection(suiteOf("rsa-pss-sha256")),
  mode: utf8String("offline"),
  place: sequence(utf8String("box-1"), integer(2), integer(1)),
};

const encoded = (name: AttributeName, value: Uint8Array) => ({ [name]: attribute(attributeOids[name], value) });
const valued = (name: AttributeName, value: Uint8Array) => withAttributes(encoded(name, value));

/** What OpenSSL says where it is not the usual word. */
interface Words {
  readonly missing: Said;
  readonly twice: Said;
  readonly twoValues: Said;
  readonly noValue: Said;
}
const opensslOf: Readonly<Record<AttributeName, Words>> = {
  contentType: { missing: "refuses", twice: "refuses", twoValues: "refuses", noValue: "refuses" },
  messageDigest: { missing: "refuses", twice: "refuses", twoValues: "refuses", noValue: "refuses" },
  signingTime: { missing: "accepts", twice: "refuses", twoValues: "refuses", noValue: "refuses" },
  signingCertificate: { missing: "refuses", twice: "refuses", twoValues: "refuses", noValue: "refuses" },
  algorithmProtection: { missing: "accepts", twice: "accepts", twoValues: "accepts", noValue: "accepts" },
  mode: { missing: "accepts", twice: "accepts", twoValues: "accepts", noValue: "accepts" },
  place: { missing: "accepts", twice: "accepts", twoValues: "accepts", noValue: "accepts" },
};

const ofEach: readonly Mutant[] = attributeNames.flatMap((name) => {
  const id = attributeOids[name];
  const words = opensslOf[name];
  return [
    seal("T8", `${name} missing`, "CMS-ATTRIBUTES", words.missing, withAttributes({ [name]: undefined })),
    seal("T8", `${name} twice`, "CMS-ATTRIBUTES", words.twice, withAttributes({ again: attribute(id, others[name]) })),
    seal(
      "T8",
      `${name} with two values`,
      "CMS-ATTRIBUTES",
      words.twoValues,
      withAttributes((facts) => ({ [name]: attribute(id, valuesOf(facts)[name], others[name]) })),
    ),
    seal("T8", `${name} without a value`, "CMS-ATTRIBUTES", words.noValue, withAttributes({ [name]: attribute(id) })),
  ];
});

const esscert = (...parts: readonly Uint8Array[]) => valued("signingCertificate", sequence(sequence(...parts)));
const own = octetString(sha256(sealing.certificate));
const { issuer: issuerName } = issuerAndSerial(sealing.certificate);
const place = (...parts: readonly Uint8Array[]) => valued("place", sequence(...parts));

const wrongValues: readonly Mutant[] = [
  seal("T8", "contentType of a manifest", "CMS-TYPE", "accepts", valued("contentType", others.contentType)),
  seal("T8", "contentType that is text", "CMS-ATTRIBUTES", "accepts", valued("contentType", utf8String("data"))),
  seal(
    "T8",
    "messageDigest of another document",
    "CMS-DIGEST",
    "refuses",
    valued("messageDigest", others.messageDigest),
  ),
  seal(
    "T8",
    "messageDigest by another algorithm",
    "CMS-ATTRIBUTES",
    "refuses",
    valued("messageDigest", octetString(digestOf("sha384", utf8("%PDF-1.7 one")))),
  ),
  seal(
    "T8",
    "messageDigest that is text",
    "CMS-ATTRIBUTES",
    "refuses",
    valued("messageDigest", utf8String("x".repeat(32))),
  ),
  seal(
    "T13",
    "signingTime after its manifest",
    "CLOCK",
    "accepts",
    valued("signingTime", time("2026-11-20T12:00:06Z")),
  ),
  seal("T8", "signingTime that is text", "DER", "accepts", valued("signingTime", utf8String("now"))),
  seal(
    "T8",
    "signingTime as GeneralizedTime before 2050",
    "DER",
    "accepts",
    valued("signingTime", generalizedTime(times.sealing)),
  ),
  seal(
    "T12",
    "signingCertificate of another certificate",
    "CMS-CERTIFICATE",
    "refuses",
    valued("signingCertificate", others.signingCertificate),
  ),
  seal(
    "T12",
    "signingCertificate of two certificates, its own first",
    "CMS-CERTIFICATE",
    "accepts",
    esscert(sequence(own), sequence(octetString(sha256(issuer.certificate)))),
  ),
  seal(
    "T12",
    "signingCertificate with its default written out",
    "CMS-CERTIFICATE",
    "accepts",
    esscert(sequence(digestAlgorithm("sha256"), own)),
  ),
  seal(
    "T12",
    "signingCertificate by SHA-1",
    "CMS-ALGORITHM",
    "accepts",
    esscert(
      sequence(
        sequence(objectIdentifier("1.3.14.3.2.26")),
        octetString(digestOf("sha1" as "sha256", sealing.certificate)),
      ),
    ),
  ),
  seal(
    "T12",
    "signingCertificate with another serial number",
    "CMS-CERTIFICATE",
    "refuses",
    esscert(sequence(own, sequence(sequence(explicit(4, issuerName)), integer(7)))),
  ),
  seal(
    "T12",
    "signing-certificate of version 1 in place of 2",
    "CMS-ATTRIBUTES",
    "accepts",
    withAttributes({
      signingCertificate: attribute(
        "1.2.840.113549.1.9.16.2.12",
        sequence(sequence(sequence(octetString(digestOf("sha1" as "sha256", sealing.certificate))))),
      ),
    }),
  ),
  seal(
    "T8",
    "signingCertificate that is an OCTET STRING",
    "CMS-CERTIFICATE",
    "refuses",
    valued("signingCertificate", own),
  ),
  seal(
    "T9",
    "algorithmProtection of other algorithms",
    "CMS-ALGORITHM",
    "accepts",
    valued("algorithmProtection", others.algorithmProtection),
  ),
  seal(
    "T9",
    "algorithmProtection of a MAC",
    "CMS-ALGORITHM",
    "accepts",
    valued("algorithmProtection", sequence(digestAlgorithm("sha256"), explicit(2, objectIdentifier("1.2.3")))),
  ),
  seal(
    "T8",
    "algorithmProtection that is text",
    "CMS-ALGORITHM",
    "accepts",
    valued("algorithmProtection", utf8String("sha256")),
  ),
  seal("MODE", "mode other than its manifest's", "MODE", "accepts", valued("mode", others.mode)),
  seal("MODE", "mode unknown", "CMS-ATTRIBUTES", "accepts", valued("mode", utf8String("production"))),
  seal("MODE", "mode empty", "CMS-ATTRIBUTES", "accepts", valued("mode", utf8String(""))),
  seal("MODE", "mode as IA5String", "CMS-ATTRIBUTES", "accepts", valued("mode", der(0x16, utf8("test")))),
  seal("T12", "place under another manifest's number", "SEAL-BIND", "accepts", valued("place", others.place)),
  seal("T12", "place at another index", "SEAL-BIND", "accepts", place(utf8String("box-1"), integer(1), integer(2))),
  seal("T12", "place at another appliance", "SEAL-BIND", "accepts", place(utf8String("box-2"), integer(1), integer(1))),
  seal("T8", "place without index", "CMS-ATTRIBUTES", "accepts", place(utf8String("box-1"), integer(1))),
  seal(
    "T8",
    "place with a fourth part",
    "CMS-ATTRIBUTES",
    "accepts",
    place(utf8String("box-1"), integer(1), integer(1), derNull),
  ),
  seal("T8", "place at index 0", "CMS-ATTRIBUTES", "accepts", place(utf8String("box-1"), integer(1), integer(0))),
  seal("T8", "place at a negative number", "DER", "accepts", place(utf8String("box-1"), integer(-1), integer(1))),
  seal("T8", "place that is text", "CMS-ATTRIBUTES", "accepts", valued("place", utf8String("box-1 1 1"))),
];

const arranged = (order: (sorted: readonly Uint8Array[]) => readonly Uint8Array[]): Mutant["make"] =>
  withParts((facts) => {
    const values = valuesOf(facts);
    return { attributes: order(inOrder(attributeNames.map((name) => attribute(attributeOids[name], values[name])))) };
  });

/** The same attribute, its SEQUENCE with a length in more bytes than it needs. */
const longLength = (name: AttributeName) => (facts: Parameters<typeof valuesOf>[0]) => {
  const right = attribute(attributeOids[name], valuesOf(facts)[name]);
  return { [name]: Uint8Array.of(0x30, 0x81, right[1] as number, ...right.subarray(2)) };
};

const arrangements: readonly Mutant[] = [
  seal(
    "T6",
    "signed attributes in reverse order",
    "CMS-ATTRIBUTES",
    "accepts",
    arranged((all) => [...all].reverse()),
  ),
  seal(
    "T6",
    "the first two signed attributes swapped",
    "CMS-ATTRIBUTES",
    "accepts",
    arranged(([a, b, ...rest]) => [b, a, ...rest] as Uint8Array[]),
  ),
  seal(
    "T8",
    "a signed attribute twice, byte for byte",
    "CMS-ATTRIBUTES",
    "accepts",
    arranged((all) => inOrder([...all, all[0] as Uint8Array])),
  ),
  seal(
    "T8",
    "no signed attributes, the document signed itself",
    "CMS-ATTRIBUTES",
    "accepts",
    withParts({ attributes: null }),
  ),
  seal("T8", "an empty set of signed attributes", "CMS-ATTRIBUTES", "refuses", withParts({ attributes: [] })),
  seal("T8", "signed attributes replayed as the document", "CMS-ATTRIBUTES", "accepts", replayed),
  seal(
    "T8",
    "a signed attribute that nobody knows",
    "CMS-ATTRIBUTES",
    "accepts",
    withAttributes({ more: attribute(`${oids.arc}.99`, utf8String("x")) }),
  ),
  seal(
    "T8",
    "a counter-signature among the signed attributes",
    "CMS-ATTRIBUTES",
    "refuses",
    withAttributes({ more: attribute("1.2.840.113549.1.9.6", sequence(integer(1))) }),
  ),
  seal(
    "T8",
    "S/MIME capabilities, as common tools add them",
    "CMS-ATTRIBUTES",
    "accepts",
    withAttributes({ more: attribute("1.2.840.113549.1.9.15", sequence(sequence(objectIdentifier(oid.sha256)))) }),
  ),
  seal(
    "T8",
    "a signed attribute that is a SET",
    "CMS-ATTRIBUTES",
    "refuses",
    withAttributes({ more: der(0x31, objectIdentifier("1.2.3"), setOf(derNull)) }),
  ),
  seal(
    "T8",
    "a signed attribute with a third part",
    "CMS-ATTRIBUTES",
    "refuses",
    withAttributes({ more: sequence(objectIdentifier("1.2.3"), setOf(derNull), derNull) }),
  ),
  seal("T6", "a signed attribute's length in too many bytes", "DER", "refuses", withAttributes(longLength("mode"))),
  seal(
    "T6",
    "a value that is not DER in a signed attribute",
    "DER",
    "accepts",
    withAttributes({ more: attribute("1.2.3", der(0x01, Uint8Array.of(1))) }),
  ),
  seal(
    "T8",
    "thirty-three signed attributes",
    "CMS-ATTRIBUTES",
    "accepts",
    withAttributes(Object.fromEntries(Array.from({ length: 26 }, (_, n) => [n, attribute(`1.2.3.${n}`, derNull)]))),
  ),
];

/** The document is what a right seal of another one signed, and that seal's signature stands under it. */
function replayed() {
  const document = der(0x31, ...inOrder(attributeNames.map((name) => attribute(attributeOids[name], others[name]))));
  return {
    documents: { "a.pdf": document },
    seal: (...[facts, sealer, bytes]: Parameters<typeof sealWith> extends [...infer Three, unknown] ? Three : never) =>
      sealWith(facts, sealer, bytes, { parts: { attributes: null } }),
  };
}

export const sealAttributeMutants: readonly Mutant[] = [...ofEach, ...wrongValues, ...arrangements];
