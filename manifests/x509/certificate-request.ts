/** Certificate requests (PKCS#10, RFC 2986): what the box asks a CA to certify, and whether a certificate is the answer. */

import { certificateAlgorithm, readCertificateAlgorithm } from "../cms/algorithm.ts";
import { checkSignature } from "../cms/signature.ts";
import type { Suite } from "../cms/suite.ts";
import { equal, hex } from "../encoding/bytes.ts";
import { checkDer } from "../encoding/der-check.ts";
import { content, DerReader, tag, whole } from "../encoding/der-read.ts";
import {
  bitString,
  boolean,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  utf8String,
} from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import { asRefusal, Refusal } from "../refusal.ts";
import { readCertificate } from "./certificate.ts";
import { nameText } from "./name.ts";

export interface RequestWanted {
  /** DER Name */
  readonly subject: Uint8Array;
  /** DER SubjectPublicKeyInfo */
  readonly spki: Uint8Array;
  /** extended key usages that are asked for, as OIDs; key usage is digitalSignature and contentCommitment */
  readonly extendedKeyUsage: readonly string[];
  /** whether a certificate must be for these alone; not unless said */
  readonly criticalUsage?: boolean;
  readonly suite: Suite;
  /** Signs the message with the key of `spki`; the signature in the form of X.509: RSA octets, or DER SEQUENCE { r, s }. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A name of an organisation and a common name, as UTF8String (RFC 5280 4.1.2.4). */
export function simpleName(organization: string, common: string): Uint8Array {
  const attribute = (type: string, value: string) => setOf(sequence(objectIdentifier(type), utf8String(value)));
  return sequence(attribute(oid.organizationName, organization), attribute(oid.commonName, common));
}

/** A CertificationRequest, DER, signed by the key itself: proof that the box holds it (RFC 2986 4). */
export async function writeCertificateRequest(wanted: RequestWanted): Promise<Uint8Array> {
  const { spki, subject, suite } = wanted;
  const extensions = sequence(
    extension(oid.keyUsage, bitString(Uint8Array.of(0xc0), 6), true),
    extension(
      oid.extendedKeyUsage,
      sequence(...wanted.extendedKeyUsage.map(objectIdentifier)),
      wanted.criticalUsage === true,
    ),
  );
  const attributes = explicit(0, sequence(objectIdentifier(oid.extensionRequest), setOf(extensions)));
  const info = sequence(integer(0), subject, spki, attributes);
  return sequence(info, certificateAlgorithm(suite), bitString(await wanted.sign(info)));
}

export interface CertificateRequest {
  readonly subject: Uint8Array;
  readonly subjectText: string;
  readonly spki: Uint8Array;
  readonly extendedKeyUsage: readonly string[];
  /** whether the certificate must be for these alone, critically */
  readonly criticalUsage: boolean;
}

/** Reads a request and checks that its key signed it. Refuses KEY-REQUEST, CMS-SIGNATURE, PATH-KEY. */
export async function verifyCertificateRequest(host: Host, der: Uint8Array): Promise<CertificateRequest> {
  const { request, info, suite, signature } = readRequest(der);
  await checkSignature(host, { suite, spki: request.spki, message: info, signature, minimumRsaBits: 2048 });
  return request;
}

/**
 * Whether `certificate` (DER) is what a CA made of the request: same key, same name, at least the extended key usages that
 * were asked for (those alone, and critical, where the request says so), no CA. Its path and time are not judged here. Refuses KEY-REQUEST, PATH-FORM.
 */
export function checkAnswers(request: CertificateRequest, certificate: Uint8Array): void {
  const got = readCertificate(certificate);
  if (!equal(got.spki, request.spki)) {
    throw new Refusal("KEY-REQUEST", "the certificate is another key's", {
      expected: hex(request.spki.subarray(-16)),
      got: hex(got.spki.subarray(-16)),
    });
  }
  if (!equal(got.subject, request.subject)) {
    throw new Refusal("KEY-REQUEST", "the certificate names someone else", {
      expected: request.subjectText,
      got: got.subjectText,
    });
  }
  const { criticalUsage, extendedKeyUsage } = request;
  const missing = extendedKeyUsage.filter((usage) => !got.extendedKeyUsage.includes(usage));
  const critical = got.criticalOids.includes(oid.extendedKeyUsage);
  const alone = critical && got.extendedKeyUsage.length === extendedKeyUsage.length;
  if (missing.length > 0 || got.isCa || (criticalUsage && !alone)) {
    throw new Refusal("KEY-REQUEST", "the certificate is for another use", {
      expected: `${extendedKeyUsage.join(", ")}${criticalUsage ? ", these alone, critical" : ""}`,
      got: got.isCa
        ? "a CA"
        : `${got.extendedKeyUsage.join(", ")}${criticalUsage && !critical ? ", not critical" : ""}`,
    });
  }
}

function readRequest(der: Uint8Array) {
  try {
    checkDer(der);
    const outer = DerReader.open(der, tag.sequence, "KEY-REQUEST");
    const infoElement = outer.read(tag.sequence);
    const suite = readCertificateAlgorithm(whole(der, outer.read(tag.sequence)));
    const bits = content(der, outer.read(tag.bitString));
    outer.finish();
    const info = whole(der, infoElement);
    const reader = DerReader.open(info, tag.sequence, "KEY-REQUEST");
    reader.read(tag.integer);
    const subject = whole(info, reader.read(tag.sequence));
    const spki = whole(info, reader.read(tag.sequence));
    const usages = requestedUsages(info, reader);
    if (bits[0] !== 0) throw new Refusal("KEY-REQUEST", "a signature that is no whole number of octets");
    return {
      info,
      suite,
      signature: bits.subarray(1),
      request: { subject, subjectText: nameText(subject), spki, ...usages },
    };
  } catch (fault) {
    const { code, message } = asRefusal(fault, "KEY-REQUEST", "not a certificate request");
    throw code === "KEY-REQUEST" ? fault : new Refusal("KEY-REQUEST", message, { cause: fault });
  }
}

/** The one attribute that our requests have: extensionRequest, of which only the extended key usage is read. */
function requestedUsages(
  info: Uint8Array,
  reader: DerReader,
): Pick<CertificateRequest, "criticalUsage" | "extendedKeyUsage"> {
  const attribute = reader.enter(0xa0).enter(tag.sequence);
  if (attribute.oid() !== oid.extensionRequest) throw new Refusal("KEY-REQUEST", "an attribute that was not expected");
  const extensions = attribute.enter(tag.set).enter(tag.sequence);
  for (const element of extensions.rest(16)) {
    const one = DerReader.open(whole(info, element), tag.sequence, "KEY-REQUEST");
    if (one.oid() !== oid.extendedKeyUsage) continue;
    const criticalUsage = one.next(tag.boolean) && one.boolean();
    const value = one.read(tag.octetString);
    const inner = content(whole(info, element), value);
    const list = DerReader.open(inner, tag.sequence, "KEY-REQUEST");
    const extendedKeyUsage: string[] = [];
    while (!list.done) extendedKeyUsage.push(list.oid());
    return { criticalUsage, extendedKeyUsage };
  }
  return { criticalUsage: false, extendedKeyUsage: [] };
}

function extension(id: string, value: Uint8Array, critical: boolean): Uint8Array {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
}
