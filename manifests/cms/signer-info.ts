/** One SignerInfo (RFC 5652 5.3), read strictly. No independent verifier is as strict about signed attributes (RFC 5652 11). */

import { compare, concat } from "../encoding/bytes.ts";
import { checkDer } from "../encoding/der-check.ts";
import { content, DerReader, type Element, tag, whole } from "../encoding/der-read.ts";
import { sequence } from "../encoding/der-write.ts";
import { Refusal } from "../refusal.ts";
import { readSuite } from "./algorithm.ts";
import type { Suite } from "./suite.ts";

export interface SignerAttribute {
  readonly oid: string;
  /** DER of the one value */
  readonly value: Uint8Array;
}

export interface SignerInfo {
  readonly der: Uint8Array;
  /** DER without unsigned attributes; its SHA-256 is a seal's digest */
  readonly core: Uint8Array;
  /** DER Name */
  readonly issuer: Uint8Array;
  /** content octets of the serial number */
  readonly serial: Uint8Array;
  /** DER AlgorithmIdentifier of the digest, as written */
  readonly digestAlgorithm: Uint8Array;
  /** DER AlgorithmIdentifier of the signature, as written */
  readonly signatureAlgorithm: Uint8Array;
  readonly suite: Suite;
  /** as DER SET OF, which are the signed bytes (RFC 5652 5.4) */
  readonly signedAttributes: Uint8Array;
  /** in the order in which they stand, each once */
  readonly attributes: readonly SignerAttribute[];
  readonly signature: Uint8Array;
  /** whether unsigned attributes are there; they are never trusted */
  readonly unsigned: boolean;
}

/**
 * Reads a SignerInfo. Refuses CMS-ATTRIBUTES when signed attributes are missing, out of DER order, twice, or of none or
 * several values; CMS-ALGORITHM as `readSuite`; DER and CMS-FORM for the rest, a signer named by key identifier too.
 */
export function readSignerInfo(der: Uint8Array): SignerInfo {
  const reader = DerReader.open(der, tag.sequence, form);
  const start = reader.at;
  if (reader.smallInteger() !== 1) throw new Refusal(form, "a signer is not named by issuer and serial number");
  const identifier = reader.enter(tag.sequence);
  const issuer = whole(der, identifier.read(tag.sequence));
  const serial = identifier.unsigned();
  identifier.finish();
  const digestAlgorithm = whole(der, reader.read(tag.sequence));
  if (!reader.next(0xa0)) throw new Refusal("CMS-ATTRIBUTES", "there are no signed attributes");
  const signed = reader.read(0xa0);
  const signatureAlgorithm = whole(der, reader.read(tag.sequence));
  const signature = content(der, reader.read(tag.octetString));
  const end = reader.at;
  checkDer(der, { start, end });
  const unsigned = reader.optional(0xa1);
  reader.finish();
  if (unsigned) checkUnsigned(reader.inside(unsigned));
  return {
    der,
    core: unsigned ? sequence(der.subarray(start, end)) : der,
    issuer,
    serial,
    digestAlgorithm,
    signatureAlgorithm,
    suite: readSuite(digestAlgorithm, signatureAlgorithm),
    signedAttributes: concat([Uint8Array.of(tag.set), der.subarray(signed.headerStart + 1, signed.end)]),
    attributes: readAttributes(new DerReader(der, signed, attributesForm)),
    signature,
    unsigned: unsigned !== undefined,
  };
}

const form = "CMS-FORM";
const attributesForm = "CMS-ATTRIBUTES";

function readAttributes(reader: DerReader): readonly SignerAttribute[] {
  const elements = reader.rest(32);
  if (elements.length === 0) throw new Refusal(attributesForm, "there are no signed attributes");
  let last: Element | undefined;
  const seen = new Set<string>();
  return elements.map((element) => {
    if (last && compare(whole(reader.bytes, last), whole(reader.bytes, element)) >= 0) {
      throw new Refusal(attributesForm, "signed attributes are not in DER order, or stand twice");
    }
    last = element;
    const attribute = readAttribute(reader.bytes, element);
    if (seen.has(attribute.oid))
      throw new Refusal(attributesForm, "a signed attribute stands twice", { about: attribute.oid });
    seen.add(attribute.oid);
    return attribute;
  });
}

function readAttribute(bytes: Uint8Array, element: Element): SignerAttribute {
  if (element.tag !== tag.sequence) throw new Refusal(attributesForm, "a signed attribute is not a SEQUENCE");
  const reader = new DerReader(bytes, element, attributesForm);
  const oid = reader.oid();
  const values = reader.enter(tag.set);
  reader.finish();
  const value = whole(bytes, values.any());
  if (!values.done) throw new Refusal(attributesForm, "a signed attribute has several values", { about: oid });
  return { oid, value };
}

/** Most unsigned attributes of a signer, and values of one. */
export const mostUnsigned = 16;

/** The outer form only: what stands in the values of unsigned attributes is nobody's word. */
function checkUnsigned(reader: DerReader): void {
  const elements = reader.rest(mostUnsigned);
  if (elements.length === 0) throw new Refusal(form, "an empty set of unsigned attributes");
  for (const element of elements) {
    if (element.tag !== tag.sequence) throw new Refusal(form, "an unsigned attribute is not a SEQUENCE");
    const attribute = reader.inside(element);
    attribute.oid();
    attribute.enter(tag.set).rest(mostUnsigned);
    attribute.finish();
  }
}
