/**
 * OCSP responses (RFC 6960 4.2) read by strict slicing: successful ones of type basic and version 1, DER throughout. Whose word a response
 * is, and whether that one may answer, `verify/ocsp-responder.ts` says.
 */

import { readCertificateAlgorithm } from "../cms/algorithm.ts";
import { readDigest, readNull } from "../cms/digest.ts";
import type { HashName, Suite } from "../cms/suite.ts";
import { hex } from "../encoding/bytes.ts";
import { checkDer } from "../encoding/der-check.ts";
import { content, DerReader, readGeneralizedTime, tag, whole } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { checkEntryExtensions, type Understood } from "./entry-extensions.ts";
import { openSignedPart } from "./signed.ts";

export interface OcspResponse {
  /** the signed part */
  readonly tbs: Uint8Array;
  readonly responder: ResponderId;
  readonly producedAt: Utc;
  readonly answers: readonly OcspAnswer[];
  readonly signatureSuite: Suite;
  readonly signature: Uint8Array;
  /** that came with it, in any order */
  readonly certificates: readonly Certificate[];
}

/** DER Name, or SHA-1 of the key's bits. */
export type ResponderId =
  | { readonly kind: "name"; readonly name: Uint8Array }
  | { readonly kind: "key"; readonly hash: Uint8Array };

export interface OcspAnswer {
  readonly certificate: CertificateId;
  readonly status: { readonly kind: "good" | "unknown" } | { readonly kind: "revoked"; readonly since: Utc };
  readonly thisUpdate: Utc;
  readonly nextUpdate: Utc | undefined;
  /** the responder knows of certificates that ended at this time or later (archive cutoff, RFC 6960 4.4.4) */
  readonly endedSince: Utc | undefined;
}

/** What a certificate is named by (RFC 6960 4.1.1). SHA-1 picks here, and proves nothing: whoever answers must be the issuer's, by its key. */
export interface CertificateId {
  readonly hash: HashName | "sha1";
  readonly issuerName: Uint8Array;
  readonly issuerKey: Uint8Array;
  /** content octets */
  readonly serial: Uint8Array;
}

/** Most bytes that a response may have, answers in one, and certificates with one. */
export const ocspLimit = 1 << 20;
const mostAnswers = 4096;
const mostCertificates = 8;

/** Reads a response. Refuses PATH-FORM (also one that is no answer), PATH-CRITICAL (an extension that is not understood), CMS-ALGORITHM. */
export function readOcsp(der: Uint8Array): OcspResponse {
  if (der.length > ocspLimit) throw new Refusal("PATH-FORM", `an OCSP response of more than ${ocspLimit} bytes`);
  try {
    return readBasic(basicIn(der));
  } catch (thrown) {
    if (!(thrown instanceof Refusal) || thrown.code !== "DER") throw thrown;
    throw new Refusal("PATH-FORM", `an OCSP response is not strict DER: ${thrown.message}`, { cause: thrown });
  }
}

const statuses = [
  "successful",
  "malformedRequest",
  "internalError",
  "tryLater",
  "unknown",
  "sigRequired",
  "unauthorized",
];

/** DER of the BasicOCSPResponse in an OCSPResponse. */
function basicIn(der: Uint8Array): Uint8Array {
  const outer = DerReader.open(der, tag.sequence, "PATH-FORM");
  const status = content(der, outer.read(enumerated));
  if (status.length !== 1 || status[0] !== 0) {
    const got = statuses[status[0] ?? 4] ?? "unknown";
    throw new Refusal("PATH-FORM", "the responder gave no answer", { expected: "successful", got });
  }
  const explicit = outer.enter(0xa0);
  outer.finish();
  const bytes = explicit.enter(tag.sequence);
  explicit.finish();
  const type = bytes.oid();
  const basic = content(der, bytes.read(tag.octetString));
  bytes.finish();
  if (type !== oid.ocspBasic) throw new Refusal("PATH-FORM", "not a basic OCSP response", { got: type });
  return basic;
}

const enumerated = 0x0a;

function readBasic(der: Uint8Array): OcspResponse {
  const { algorithm, rest, signature, tbs } = openSignedPart(der);
  const certificates = rest.next(0xa0) ? readCertificates(rest.enter(0xa0)) : [];
  rest.finish();
  const inner = new DerReader(der, tbs, "PATH-FORM");
  if (inner.next(0xa0))
    throw new Refusal("PATH-FORM", "not an OCSP response of version 1, or a default is written out");
  const responder = readResponder(inner);
  const producedAt = readGeneralizedTime(der, inner.any());
  const answers = readAnswers(inner.enter(tag.sequence));
  if (inner.next(0xa1)) checkEntryExtensions(extensionsIn(inner), ofResponse);
  inner.finish();
  const signatureSuite = readCertificateAlgorithm(algorithm);
  return { tbs: whole(der, tbs), responder, producedAt, answers, signatureSuite, signature, certificates };
}

function readCertificates(explicit: DerReader): readonly Certificate[] {
  const list = explicit.enter(tag.sequence);
  explicit.finish();
  return list.rest(mostCertificates).map((element) => readCertificate(whole(list.bytes, element)));
}

/** Both are EXPLICIT (RFC 6960 4.2.1). */
function readResponder(reader: DerReader): ResponderId {
  if (reader.next(0xa1)) {
    const explicit = reader.enter(0xa1);
    const name = whole(reader.bytes, explicit.read(tag.sequence));
    explicit.finish();
    checkDer(name);
    return { kind: "name", name };
  }
  const explicit = reader.enter(0xa2);
  const hash = content(reader.bytes, explicit.read(tag.octetString));
  explicit.finish();
  if (hash.length !== 20) throw new Refusal("PATH-FORM", "a key hash of a wrong length");
  return { kind: "key", hash };
}

function readAnswers(list: DerReader): readonly OcspAnswer[] {
  const named = new Set<string>();
  const answers = list.rest(mostAnswers).map((element) => {
    if (element.tag !== tag.sequence) throw new Refusal("PATH-FORM", "an answer is not a SEQUENCE");
    const reader = list.inside(element);
    const id = reader.read(tag.sequence);
    const name = hex(whole(list.bytes, id));
    if (named.has(name)) throw new Refusal("PATH-FORM", "an OCSP response names a certificate twice");
    named.add(name);
    return readAnswer(readId(reader.inside(id)), reader);
  });
  if (answers.length === 0) throw new Refusal("PATH-FORM", "an OCSP response of no certificate");
  return answers;
}

function readAnswer(certificate: CertificateId, reader: DerReader): OcspAnswer {
  const status = readStatus(reader);
  const thisUpdate = readGeneralizedTime(reader.bytes, reader.any());
  const nextUpdate = reader.next(0xa0) ? explicitTime(reader.enter(0xa0)) : undefined;
  const values = reader.next(0xa1) ? checkEntryExtensions(extensionsIn(reader), ofAnswer) : undefined;
  reader.finish();
  if (nextUpdate !== undefined && nextUpdate < thisUpdate) {
    throw new Refusal("PATH-FORM", "an OCSP answer ends before it begins");
  }
  const endedSince = timeOf(values?.get(oid.archiveCutoff));
  const invalid = timeOf(values?.get(oid.invalidityDate));
  return { certificate, status: sinceInvalid(status, invalid), thisUpdate, nextUpdate, endedSince };
}

function timeOf(value: Uint8Array | undefined): Utc | undefined {
  return value && explicitTime(new DerReader(value, { start: 0, end: value.length }, "PATH-FORM"));
}

/** Revoked since the earlier of the two. */
function sinceInvalid(status: OcspAnswer["status"], invalid: Utc | undefined): OcspAnswer["status"] {
  if (status.kind !== "revoked" || invalid === undefined || invalid > status.since) return status;
  return { ...status, since: invalid };
}

function readId(reader: DerReader): CertificateId {
  const hash = readIdHash(whole(reader.bytes, reader.read(tag.sequence)));
  const issuerName = content(reader.bytes, reader.read(tag.octetString));
  const issuerKey = content(reader.bytes, reader.read(tag.octetString));
  const serial = reader.unsigned();
  reader.finish();
  if (serial.length > 20) throw new Refusal("PATH-FORM", "a serial number of more than 20 bytes");
  return { hash, issuerName, issuerKey, serial };
}

/** SHA-1 with parameters absent or NULL, which most responders use, or a digest that is allowed everywhere. */
function readIdHash(identifier: Uint8Array): CertificateId["hash"] {
  const reader = DerReader.open(identifier, tag.sequence, "CMS-ALGORITHM");
  if (reader.oid() !== oid.sha1) return readDigest(identifier);
  if (!reader.done) readNull(reader);
  return "sha1";
}

/** IMPLICIT, so that good and unknown are empty (RFC 6960 4.2.1). The reason changes nothing. */
function readStatus(reader: DerReader): OcspAnswer["status"] {
  if (!reader.next(0xa1)) {
    const element = reader.any();
    if ((element.tag !== 0x80 && element.tag !== 0x82) || element.end !== element.start) {
      throw new Refusal("PATH-FORM", "not a status of a certificate");
    }
    return { kind: element.tag === 0x80 ? "good" : "unknown" };
  }
  const info = reader.enter(0xa1);
  const since = readGeneralizedTime(reader.bytes, info.any());
  if (info.next(0xa0)) {
    const reason = info.enter(0xa0);
    const octets = content(reader.bytes, reason.read(enumerated));
    reason.finish();
    if (octets.length !== 1) throw new Refusal("PATH-FORM", "a reason that is not known");
  }
  info.finish();
  return { kind: "revoked", since };
}

function explicitTime(explicit: DerReader): Utc {
  const time = readGeneralizedTime(explicit.bytes, explicit.any());
  explicit.finish();
  return time;
}

/** The list in `[1] EXPLICIT Extensions`. */
function extensionsIn(reader: DerReader): DerReader {
  const explicit = reader.enter(0xa1);
  const list = explicit.enter(tag.sequence);
  explicit.finish();
  return list;
}

/** nonce, and extended revoke, by which certificates that were never issued are revoked too */
const ofResponse: Understood = {
  about: "an OCSP response",
  ids: ["1.3.6.1.5.5.7.48.1.2", "1.3.6.1.5.5.7.48.1.9"],
};
/** archive cutoff, CRL references, and of CRL entries (RFC 6960 4.4.5) reasonCode and invalidityDate */
const ofAnswer: Understood = {
  about: "an OCSP answer",
  ids: [oid.archiveCutoff, "1.3.6.1.5.5.7.48.1.3", "2.5.29.21", oid.invalidityDate],
  wanted: [oid.archiveCutoff, oid.invalidityDate],
};
