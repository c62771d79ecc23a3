/**
 * Certificates (RFC 5280 4) read by strict slicing: version 3, DER throughout, each extension once, known extensions
 * in full. What is not understood and critical is listed, for the path to refuse.
 */

import { readCertificateAlgorithm } from "../cms/algorithm.ts";
import type { Suite } from "../cms/suite.ts";
import { compare } from "../encoding/bytes.ts";
import { DerReader, readTime, tag, whole } from "../encoding/der-read.ts";
import type { Utc } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { type Extensions, readExtensions } from "./extensions.ts";
import { knownEncoding } from "./known-encodings.ts";
import { nameText } from "./name.ts";
import { readSignedPart } from "./signed.ts";

export interface Certificate extends Extensions {
  readonly der: Uint8Array;
  /** the signed part */
  readonly tbs: Uint8Array;
  /** DER Names; equal names are equal bytes here (stricter than RFC 5280 7.1) */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** RFC 4514 text, most specific first, control characters escaped */
  readonly subjectText: string;
  readonly issuerText: string;
  /** content octets of the serial number, positive, at most 20 */
  readonly serial: Uint8Array;
  readonly notBefore: Utc;
  readonly notAfter: Utc;
  /** DER SubjectPublicKeyInfo */
  readonly spki: Uint8Array;
  readonly signatureSuite: Suite;
  readonly signature: Uint8Array;
}

/** Most bytes that a certificate may have. */
export const certificateLimit = 16 * 1024;

/** Reads a certificate. Refuses PATH-FORM, and CMS-ALGORITHM when it is signed with what is not allowed. */
export function readCertificate(der: Uint8Array): Certificate {
  if (der.length > certificateLimit)
    throw new Refusal("PATH-FORM", `a certificate of more than ${certificateLimit} bytes`);
  return asForm(() => {
    const own = knownEncoding(der);
    const known = certificates.get(own) ?? read(own);
    certificates.set(own, known);
    return known;
  });
}

/** By their known encoding. */
const certificates = new WeakMap<Uint8Array, Certificate>();

/** The issuer (DER Name) and serial number (content octets) that name a certificate in CMS. Refuses PATH-FORM. */
export function issuerAndSerial(der: Uint8Array): { issuer: Uint8Array; serial: Uint8Array } {
  return asForm(() => {
    const tbs = DerReader.open(der, tag.sequence, "PATH-FORM").enter(tag.sequence);
    tbs.optional(0xa0);
    const serial = readSerial(tbs);
    tbs.read(tag.sequence);
    return { serial, issuer: whole(der, tbs.read(tag.sequence)) };
  });
}

function read(der: Uint8Array): Certificate {
  const { algorithm, signature, tbs } = readSignedPart(der);

  const inner = new DerReader(der, tbs, "PATH-FORM");
  const version = inner.enter(0xa0);
  if (version.smallInteger() !== 2) throw new Refusal("PATH-FORM", "not a certificate of version 3");
  version.finish();
  const serial = readSerial(inner);
  if (compare(whole(der, inner.read(tag.sequence)), algorithm) !== 0) {
    throw new Refusal("PATH-FORM", "the two signature algorithms of a certificate differ");
  }
  const issuer = whole(der, inner.read(tag.sequence));
  const validity = inner.enter(tag.sequence);
  const notBefore = readTime(der, validity.any());
  const notAfter = readTime(der, validity.any());
  validity.finish();
  if (notAfter < notBefore) throw new Refusal("PATH-FORM", "a certificate ends before it begins");
  const subject = whole(der, inner.read(tag.sequence));
  const spki = whole(der, inner.read(tag.sequence));
  const extensions = inner.enter(0xa3);
  inner.finish();
  return {
    der,
    tbs: whole(der, tbs),
    issuer,
    subject,
    issuerText: nameText(issuer),
    subjectText: nameText(subject),
    serial,
    notBefore,
    notAfter,
    spki,
    signatureSuite: readCertificateAlgorithm(algorithm),
    signature,
    ...readExtensions(extensions),
  };
}

/** Positive and at most 20 octets (RFC 5280 4.1.2.2). */
function readSerial(reader: DerReader): Uint8Array {
  const serial = reader.unsigned();
  if (serial.length > 20) throw new Refusal("PATH-FORM", "a serial number of more than 20 bytes");
  if (serial.length === 1 && serial[0] === 0) throw new Refusal("PATH-FORM", "a serial number of zero");
  return serial;
}

/** Turns the refusal DER into PATH-FORM: in a certificate it is the issuer who must make it again. */
function asForm<T>(reads: () => T): T {
  try {
    return reads();
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.code === "DER") {
      throw new Refusal("PATH-FORM", `a certificate is not strict DER: ${thrown.message}`, { cause: thrown });
    }
    throw thrown;
  }
}
