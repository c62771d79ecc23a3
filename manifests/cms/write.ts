/** Writing SignedData (RFC 5652 5) assembled directly as DER: certificates byte for byte, every SET in order. */

import { compare, concat } from "../encoding/bytes.ts";
import { content, DerReader, tag } from "../encoding/der-read.ts";
import {
  der,
  derHeader,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
} from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { issuerAndSerial } from "../x509/certificate.ts";
import { digestAlgorithm, signatureAlgorithm } from "./algorithm.ts";
import type { SignedData } from "./read.ts";
import type { Suite } from "./suite.ts";

/** An attribute of one value; `value` is DER. */
export interface ExtraAttribute {
  readonly oid: string;
  readonly value: Uint8Array;
}

export interface AttributesWanted {
  /** the eContentType; for a detached signature of a document `oid.data` */
  readonly contentType: string;
  /** by the suite's hash */
  readonly messageDigest: Uint8Array;
  readonly signingTime: Utc;
  /** SHA-256 of the signer's certificate */
  readonly certificateDigest: Uint8Array;
  readonly suite: Suite;
  readonly extra?: readonly ExtraAttribute[];
}

/**
 * The signed attributes as DER SET OF, which are the bytes to sign (RFC 5652 5.4): content-type, message-digest,
 * signing-time (11.1 to 11.3), signing-certificate-v2 with SHA-256, its default left out (RFC 5035 4),
 * CMSAlgorithmProtection (RFC 6211 2) and `extra`. Refuses CMS-ATTRIBUTES when `extra` repeats one.
 */
export function signedAttributes(wanted: AttributesWanted): Uint8Array {
  const { suite, extra = [] } = wanted;
  const all: readonly ExtraAttribute[] = [
    { oid: oid.contentType, value: objectIdentifier(wanted.contentType) },
    { oid: oid.messageDigest, value: octetString(wanted.messageDigest) },
    { oid: oid.signingTime, value: time(wanted.signingTime) },
    { oid: oid.signingCertificateV2, value: sequence(sequence(sequence(octetString(wanted.certificateDigest)))) },
    { oid: oid.algorithmProtection, value: algorithmProtection(suite) },
    ...extra,
  ];
  if (new Set(all.map((one) => one.oid)).size !== all.length) {
    throw new Refusal("CMS-ATTRIBUTES", "a signed attribute was given twice");
  }
  return setOf(...all.map((one) => sequence(objectIdentifier(one.oid), setOf(one.value))));
}

/** SEQUENCE { digestAlgorithm, signatureAlgorithm [1] } as RFC 6211 2 has it. */
export function algorithmProtection(suite: Suite): Uint8Array {
  const algorithm = signatureAlgorithm(suite);
  const reader = new DerReader(algorithm, { start: 0, end: algorithm.length }, "CMS-FORM");
  return sequence(digestAlgorithm(suite.hash), explicit(1, content(algorithm, reader.read(tag.sequence))));
}

/** A SignerInfo of version 1: issuer and serial of `certificate`, the signed attributes as given, [0] in place of SET (RFC 5652 5.3). */
export function signerInfo(parts: {
  readonly certificate: Uint8Array;
  readonly suite: Suite;
  readonly signedAttributes: Uint8Array;
  readonly signature: Uint8Array;
}): Uint8Array {
  const { issuer, serial } = issuerAndSerial(parts.certificate);
  // A copy: slice() of a Node Buffer would be the caller's own memory.
  const attributes = new Uint8Array(parts.signedAttributes);
  if (attributes[0] !== tag.set) throw new Refusal("CMS-ATTRIBUTES", "signed attributes must be given as SET OF");
  attributes[0] = 0xa0;
  return sequence(
    integer(1),
    sequence(issuer, der(tag.integer, serial)),
    digestAlgorithm(parts.suite.hash),
    attributes,
    signatureAlgorithm(parts.suite),
    octetString(parts.signature),
  );
}

export interface SignedDataParts {
  readonly eContentType: string;
  readonly certificates: readonly Uint8Array[];
  /** DER SignerInfos, at least one */
  readonly signerInfos: readonly Uint8Array[];
}

/** The ContentInfo of a SignedData; without `content` it is detached. Certificates and SignerInfos that are given twice stand once. */
export function signedData(parts: SignedDataParts & { readonly content?: Uint8Array }): Uint8Array {
  const { content: inner } = parts;
  const encapsulated = sequence(
    objectIdentifier(parts.eContentType),
    ...(inner === undefined ? [] : [explicit(0, octetString(inner))]),
  );
  return contentInfo(sequence(version(parts), digestAlgorithms(parts), encapsulated, ...afterContent(parts)));
}

/** What stands before and after content of `contentLength` bytes that someone else writes between them. */
export function signedDataAround(parts: SignedDataParts & { readonly contentLength: number }): {
  before: Uint8Array;
  after: Uint8Array;
} {
  const { contentLength } = parts;
  if (!Number.isSafeInteger(contentLength) || contentLength < 0 || contentLength > 0xf000_0000) {
    throw new Refusal("CMS-FORM", "content of a size that cannot be written");
  }
  const after = concat(afterContent(parts));
  const headers: Uint8Array[] = [];
  let inside = contentLength;
  const wrap = (tagOctet: number, ...first: readonly Uint8Array[]): void => {
    for (const part of [...first].reverse()) {
      headers.unshift(part);
      inside += part.length;
    }
    const header = derHeader(tagOctet, inside);
    headers.unshift(header);
    inside += header.length;
  };
  wrap(tag.octetString);
  wrap(0xa0);
  wrap(tag.sequence, objectIdentifier(parts.eContentType));
  inside += after.length;
  wrap(tag.sequence, version(parts), digestAlgorithms(parts));
  wrap(0xa0);
  wrap(tag.sequence, objectIdentifier(oid.signedData));
  return { before: concat(headers), after };
}

/**
 * One SignedData of the signers and certificates of all parts, unsigned attributes as they stand. Refuses CMS-TYPE and
 * CMS-DIGEST when the parts are not over one and the same content.
 */
export function mergeSignedData(parts: readonly SignedData[]): Uint8Array {
  const [first] = parts;
  if (!first) throw new Refusal("CMS-SIGNERS", "nothing to merge");
  for (const part of parts) {
    if (part.eContentType !== first.eContentType) throw new Refusal("CMS-TYPE", "parts of different types");
    if (!sameContent(part.content, first.content)) throw new Refusal("CMS-DIGEST", "parts over different contents");
  }
  return signedData({
    eContentType: first.eContentType,
    ...(first.content === undefined ? {} : { content: first.content }),
    certificates: parts.flatMap((part) => part.certificates),
    signerInfos: parts.flatMap((part) => part.signers.map((signer) => signer.der)),
  });
}

/** The certificates [0] and the signerInfos that follow the content. */
function afterContent(parts: SignedDataParts): readonly Uint8Array[] {
  if (parts.signerInfos.length === 0) throw new Refusal("CMS-SIGNERS", "a SignedData needs a signer");
  const certificates = once(parts.certificates);
  return [...(certificates.length === 0 ? [] : [explicit(0, ...certificates)]), setOf(...once(parts.signerInfos))];
}

/** 1 for id-data, 3 for every other type of content (RFC 5652 5.1). */
function version(parts: SignedDataParts): Uint8Array {
  return integer(parts.eContentType === oid.data ? 1 : 3);
}

/** The distinct digest algorithms of the signers, as they write them. */
function digestAlgorithms(parts: SignedDataParts): Uint8Array {
  return setOf(...once(parts.signerInfos.map(digestOfSigner)));
}

function digestOfSigner(signer: Uint8Array): Uint8Array {
  const reader = DerReader.open(signer, tag.sequence, "CMS-FORM");
  reader.read(tag.integer);
  reader.any();
  const algorithm = reader.read(tag.sequence);
  return signer.subarray(algorithm.headerStart, algorithm.end);
}

function contentInfo(inner: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(oid.signedData), explicit(0, inner));
}

/** Sorted, each once. */
function once(encodings: readonly Uint8Array[]): readonly Uint8Array[] {
  const sorted = [...encodings].sort(compare);
  return sorted.filter((one, index) => index === 0 || compare(one, sorted[index - 1] as Uint8Array) !== 0);
}

function sameContent(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : compare(a, b) === 0;
}
