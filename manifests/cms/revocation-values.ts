/**
 * Revocation data in a SignedData (RFC 5652 5.1 crls, 10.2.1; RFC 5940 for OCSP responses), where ETSI EN 319 122-1 puts the values of CAdES-B-LT. It is nobody's word: each
 * list and response proves itself. The strict reader refuses it; here it is taken out, so that what is left is read as ever.
 */

import { compare, equal } from "../encoding/bytes.ts";
import { DerReader, type Element, tag, whole } from "../encoding/der-read.ts";
import { der, explicit, integer, objectIdentifier, sequence } from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";

export interface RevocationValues {
  /** DER CertificateLists */
  readonly crls: readonly Uint8Array[];
  /** DER OCSPResponses */
  readonly ocsp: readonly Uint8Array[];
}

export const noValues: RevocationValues = { crls: [], ocsp: [] };

/** Most lists and responses. */
const most = 64;
const form = "CMS-FORM";

/**
 * The SignedData without its revocation data, and that. One that has none comes back as it is. Refuses CMS-FORM a version that does not fit it, other
 * kinds of data, and what stands twice or out of order; says nothing of what else is there.
 */
export function withoutRevocation(bytes: Uint8Array): { readonly base: Uint8Array; readonly values: RevocationValues } {
  const parts = readParts(bytes);
  const set = parts.after.find((one) => one[0] === 0xa1);
  if (set === undefined) return { base: bytes, values: noValues };
  const values = readValues(DerReader.open(set, 0xa1, form));
  if (parts.version !== versionOf(values)) throw new Refusal(form, "a SignedData of the wrong version for its content");
  return { base: writeParts(parts, noValues), values };
}

/** The SignedData (detached, of data) with more revocation data; what is there stays. With OCSP responses it is of version 5, which gpgsm does not read. */
export function withRevocation(bytes: Uint8Array, more: RevocationValues): Uint8Array {
  const { base, values } = withoutRevocation(bytes);
  return writeParts(readParts(base), {
    crls: once([...values.crls, ...more.crls]),
    ocsp: once([...values.ocsp, ...more.ocsp]),
  });
}

/** Each RevocationInfoChoice as it stands in the SignedData, DER, in its order. */
export function revocationChoices({ crls, ocsp }: RevocationValues): readonly Uint8Array[] {
  return [...crls, ...ocsp.map((response) => der(0xa1, objectIdentifier(oid.ocspInCms), response))].sort(compare);
}

interface Parts {
  readonly version: number;
  /** digestAlgorithms and encapContentInfo */
  readonly before: readonly Uint8Array[];
  /** what follows: certificates, crls, signerInfos */
  readonly after: readonly Uint8Array[];
}

function readParts(bytes: Uint8Array): Parts {
  const info = DerReader.open(bytes, tag.sequence, form);
  if (info.oid() !== oid.signedData) throw new Refusal("CMS-TYPE", "not a SignedData");
  const outer = info.enter(0xa0);
  info.finish();
  const signed = outer.enter(tag.sequence);
  outer.finish();
  const version = signed.smallInteger();
  const before = [signed.read(tag.set), signed.read(tag.sequence)];
  const after = signed.rest(3);
  const kept = (element: Element) => whole(bytes, element);
  return { version, before: before.map(kept), after: after.map(kept) };
}

function writeParts({ before, after }: Parts, values: RevocationValues): Uint8Array {
  const choices = revocationChoices(values);
  const rest = after.filter((one) => one[0] !== 0xa1);
  const certificates = rest.filter((one) => one[0] === 0xa0);
  const signers = rest.filter((one) => one[0] !== 0xa0);
  const crls = choices.length === 0 ? [] : [explicit(1, ...choices)];
  const signed = sequence(integer(versionOf(values)), ...before, ...certificates, ...crls, ...signers);
  return sequence(objectIdentifier(oid.signedData), explicit(0, signed));
}

/** RFC 5652 5.1, for data: 5 where other revocation data than CRLs is there. */
function versionOf({ ocsp }: RevocationValues): number {
  return ocsp.length > 0 ? 5 : 1;
}

function readValues(reader: DerReader): RevocationValues {
  const elements = reader.rest(most).map((one) => whole(reader.bytes, one));
  if (elements.length === 0) throw new Refusal(form, "an empty set of revocation data");
  if (elements.some((one, at) => at > 0 && compare(elements[at - 1] as Uint8Array, one) >= 0)) {
    throw new Refusal(form, "revocation data stands twice or out of order");
  }
  const crls = elements.filter((one) => one[0] === tag.sequence);
  return { crls, ocsp: elements.filter((one) => !crls.includes(one)).map(readOther) };
}

function readOther(bytes: Uint8Array): Uint8Array {
  const reader = DerReader.open(bytes, 0xa1, form);
  const format = reader.oid();
  if (format !== oid.ocspInCms) throw new Refusal(form, "revocation data of a kind that is not known", { got: format });
  const response = whole(bytes, reader.read(tag.sequence));
  reader.finish();
  return response;
}

function once(all: readonly Uint8Array[]): readonly Uint8Array[] {
  return all.filter((one, at) => !all.slice(0, at).some((before) => equal(before, one)));
}
