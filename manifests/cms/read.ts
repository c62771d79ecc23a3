/**
 * Reading SignedData (RFC 5652 5) by strict DER slicing. Only Coldseal's profile: certificates and signers each in DER
 * order and once, no CRLs, signers named by issuer and serial, signed attributes always. Content is never parsed, and
 * large content is never needed: head and tail say where it lies.
 */

import { compare } from "../encoding/bytes.ts";
import { checkSetOrder } from "../encoding/der-check.ts";
import { content, DerReader, type Element, readElement, readHeader, tag, whole } from "../encoding/der-read.ts";
import { derHeader } from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";
import { knownEncoding } from "../x509/known-encodings.ts";
import { readSignerInfo, type SignerInfo } from "./signer-info.ts";

export type { SignerInfo } from "./signer-info.ts";

export interface SignedData {
  readonly eContentType: string;
  /** undefined: detached, or content that was left aside */
  readonly content: Uint8Array | undefined;
  /** DER, in DER order, each once; not yet checked further */
  readonly certificates: readonly Uint8Array[];
  /** at least one */
  readonly signers: readonly SignerInfo[];
}

export interface SignedDataLimits {
  readonly certificates: number;
  readonly signers: number;
  /** bytes that may follow the content */
  readonly tail: number;
  /** certificates stand in DER order, each once, unless said: time-stamp authorities write them as they like, and some write their own twice */
  readonly certificateOrder?: "DER" | "any";
}

/** Where the content of a SignedData lies in its file, and what the tail must agree with. */
export interface SignedDataHead {
  readonly eContentType: string;
  readonly detached: boolean;
  /** the content's bytes in the file, from start up to and not including end; the tail begins at end */
  readonly contentStart: number;
  readonly contentEnd: number;
  readonly totalLength: number;
  readonly digestAlgorithms: Uint8Array;
}

/** How many bytes from the start of a file `readSignedDataHead` needs at most. */
export const headLimit = 4096;

export const usualLimits: SignedDataLimits = { certificates: 128, signers: 64, tail: 256 * 1024 };

/**
 * Reads a SignedData that is all of `bytes`. Refuses DER for what is not strict DER, CMS-FORM for what is not this
 * profile, CMS-SIGNERS for no or too many signers, CMS-ATTRIBUTES and CMS-ALGORITHM as `readSignerInfo` says.
 */
export function readSignedData(bytes: Uint8Array, limits: SignedDataLimits = usualLimits): SignedData {
  const head = readSignedDataHead(bytes.subarray(0, headLimit), bytes.length);
  const tail = readSignedDataTail(head, bytes.subarray(head.contentEnd), limits);
  return head.detached ? tail : { ...tail, content: bytes.subarray(head.contentStart, head.contentEnd) };
}

/** Reads up to the content from a file's first bytes (`headLimit` or all). `totalLength` is the file's size in bytes. */
export function readSignedDataHead(prefix: Uint8Array, totalLength: number): SignedDataHead {
  const info = header(prefix, 0, tag.sequence, totalLength);
  const type = new DerReader(prefix, { start: info.start, end: prefix.length }, form);
  if (type.oid() !== oid.signedData) throw new Refusal("CMS-TYPE", "not a SignedData");
  const outer = header(prefix, type.at, 0xa0, totalLength);
  const signed = header(prefix, outer.start, tag.sequence, totalLength);

  const reader = new DerReader(prefix, { start: signed.start, end: prefix.length }, form);
  const version = reader.smallInteger();
  const digests = reader.read(tag.set);
  const encapsulated = header(prefix, reader.at, tag.sequence, totalLength, "inner");
  const inner = new DerReader(
    prefix,
    { start: encapsulated.start, end: Math.min(encapsulated.end, prefix.length) },
    form,
  );
  const eContentType = inner.oid();
  if (version !== (eContentType === oid.data ? 1 : 3)) {
    throw new Refusal(form, "a SignedData of the wrong version for its content", { got: `${version}` }); // RFC 5652 5.1
  }
  const common = { eContentType, totalLength, digestAlgorithms: new Uint8Array(whole(prefix, digests)) };
  if (inner.at === encapsulated.end) {
    return { ...common, detached: true, contentStart: encapsulated.end, contentEnd: encapsulated.end };
  }
  const explicit = header(prefix, inner.at, 0xa0, encapsulated.end);
  const octets = header(prefix, explicit.start, tag.octetString, encapsulated.end);
  return { ...common, detached: false, contentStart: octets.start, contentEnd: octets.end };
}

/** Reads what follows the content; `tail` is the file from `head.contentEnd` to its end. Refuses as `readSignedData` does. */
export function readSignedDataTail(
  head: SignedDataHead,
  tail: Uint8Array,
  limits: SignedDataLimits = usualLimits,
): SignedData {
  if (tail.length !== head.totalLength - head.contentEnd) throw new Refusal("DER", "the file changed its length");
  if (tail.length > limits.tail) throw new Refusal(form, `more than ${limits.tail} bytes after the content`);
  const reader = new DerReader(tail, { start: 0, end: tail.length }, form);
  const certificates = reader.next(0xa0) ? readCertificates(reader.enter(0xa0), limits) : [];
  if (reader.next(0xa1)) throw new Refusal(form, "revocation data in a SignedData is not allowed");
  const signers = readSigners(reader.enter(tag.set), limits.signers);
  reader.finish();
  checkDigestAlgorithms(head.digestAlgorithms, signers);
  return { eContentType: head.eContentType, content: undefined, certificates, signers };
}

const form = "CMS-FORM";

/** An element that must end exactly at `end` (or, "inner", at or before it), although only its header need be there. */
function header(
  bytes: Uint8Array,
  at: number,
  expected: number,
  end: number,
  ends: "exactly" | "inner" = "exactly",
): Element {
  const element = readHeader(bytes, at);
  if (element.tag !== expected) throw new Refusal(form, "not the structure of a SignedData");
  if (ends === "exactly" ? element.end !== end : element.end > end) {
    throw new Refusal("DER", "a length does not fit what holds it", { expected: `${end}`, got: `${element.end}` });
  }
  return element;
}

function readCertificates(reader: DerReader, limits: SignedDataLimits): readonly Uint8Array[] {
  const all = reader.rest(limits.certificates);
  if (all.length === 0) throw new Refusal(form, "an empty set of certificates");
  const elements = limits.certificateOrder === "any" ? distinct(reader.bytes, all) : all;
  if (limits.certificateOrder !== "any") checkSetOrder(reader.bytes, elements);
  return elements.map((element) => {
    if (element.tag !== tag.sequence) throw new Refusal(form, "only X.509 certificates may stand here");
    return knownEncoding(whole(reader.bytes, element));
  });
}

function distinct(bytes: Uint8Array, elements: readonly Element[]): readonly Element[] {
  return elements.filter(
    (one, at) => !elements.slice(0, at).some((before) => compare(whole(bytes, before), whole(bytes, one)) === 0),
  );
}

function readSigners(reader: DerReader, limit: number): readonly SignerInfo[] {
  if (reader.done) throw new Refusal("CMS-SIGNERS", "nobody signed this");
  const elements: Element[] = [];
  while (!reader.done) {
    if (elements.length === limit) throw new Refusal("CMS-SIGNERS", `more than ${limit} signers`);
    elements.push(reader.read(tag.sequence));
  }
  checkSetOrder(reader.bytes, elements);
  return elements.map((element) => readSignerInfo(whole(reader.bytes, element)));
}

/** Exactly the digests that the signers name, in DER order, each once. */
function checkDigestAlgorithms(encoded: Uint8Array, signers: readonly SignerInfo[]): void {
  const set = readElement(encoded, 0);
  const named = new Map(signers.map((signer) => [signer.digestAlgorithm.toHex(), signer.digestAlgorithm]));
  const expected = [...named.values()].sort(compare);
  let at = 0;
  const octets = content(encoded, set);
  for (const one of expected) {
    if (compare(octets.subarray(at, at + one.length), one) !== 0) at = octets.length;
    at += one.length;
  }
  if (at !== octets.length || derHeader(tag.set, octets.length).length !== set.start) {
    throw new Refusal(form, "the digest algorithms are not those of the signers");
  }
}
