/** The extensions of a certificate (RFC 5280 4.2): each once, those that the path needs read in full. */

import { checkDer } from "../encoding/der-check.ts";
import { content, DerReader, tag, unsignedContent, whole } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";
import { rdnEncodings } from "./name.ts";
import {
  type PolicyConstraints,
  type PolicyMapping,
  readCertificatePolicies,
  readInhibitAnyPolicy,
  readPolicyConstraints,
  readPolicyMappings,
} from "./policy-extensions.ts";

/** The bits of keyUsage in their order (RFC 5280 4.2.1.3). */
export const keyUsages = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

export type KeyUsage = (typeof keyUsages)[number];

export const subjectAltName = "2.5.29.17";

/** A GeneralName: its tag, and its content octets; for a directoryName [4] the DER Name. */
export interface GeneralName {
  readonly tag: number;
  readonly value: Uint8Array;
}

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export interface Extensions {
  /** undefined: the extension is not there */
  readonly keyUsage: readonly KeyUsage[] | undefined;
  /** empty: the extension is not there */
  readonly extendedKeyUsage: readonly string[];
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  /** every extension that is marked critical, understood or not */
  readonly criticalOids: readonly string[];
  readonly subjectKeyIdentifier: Uint8Array | undefined;
  readonly authorityKeyIdentifier: Uint8Array | undefined;
  readonly subjectAltNames: readonly GeneralName[];
  readonly nameConstraints: NameConstraints | undefined;
  /** undefined: the extension is not there; so of the three below */
  readonly certificatePolicies: readonly string[] | undefined;
  readonly policyMappings: readonly PolicyMapping[] | undefined;
  readonly policyConstraints: PolicyConstraints | undefined;
  /** after how many more certificates any policy is none that counts */
  readonly inhibitAnyPolicy: number | undefined;
  /** its issuer lets it be trusted without a look at its revocation (RFC 6960 4.2.2.2.1) */
  readonly ocspNoCheck: boolean;
}

/** Reads the content of `[3] EXPLICIT Extensions`. Refuses PATH-FORM (or DER) for any fault, also in an extension's value. */
export function readExtensions(outer: DerReader): Extensions {
  const list = outer.enter(tag.sequence);
  outer.finish();
  const found = new Map<string, Uint8Array>();
  const criticalOids: string[] = [];
  for (const element of list.rest(64)) {
    if (element.tag !== tag.sequence) throw new Refusal("PATH-FORM", "an extension is not a SEQUENCE");
    const reader = list.inside(element);
    const name = reader.oid();
    if (reader.next(tag.boolean)) {
      if (!reader.boolean()) throw new Refusal("PATH-FORM", "a default is written out"); // X.690 11.5
      criticalOids.push(name);
    }
    const value = content(reader.bytes, reader.read(tag.octetString));
    reader.finish();
    if (found.has(name)) throw new Refusal("PATH-FORM", "an extension stands twice", { about: name });
    found.set(name, value);
  }
  if (found.size === 0) throw new Refusal("PATH-FORM", "an empty list of extensions");
  const one = <T>(name: string, read: (value: Uint8Array) => T): T | undefined => {
    const value = found.get(name);
    if (value) checkDer(value);
    return value && read(value);
  };
  const constraints = one(oid.basicConstraints, readBasicConstraints);
  return {
    keyUsage: one(oid.keyUsage, readKeyUsage),
    extendedKeyUsage: one(oid.extendedKeyUsage, readExtendedKeyUsage) ?? [],
    isCa: constraints?.isCa ?? false,
    pathLength: constraints?.pathLength,
    criticalOids,
    subjectKeyIdentifier: one(oid.subjectKeyIdentifier, readSubjectKeyIdentifier),
    authorityKeyIdentifier: one(oid.authorityKeyIdentifier, readAuthorityKeyIdentifier),
    subjectAltNames: one(subjectAltName, (value) => readGeneralNames(DerReader.open(value, tag.sequence, form))) ?? [],
    nameConstraints: one(oid.nameConstraints, readNameConstraints),
    certificatePolicies: one(oid.certificatePolicies, readCertificatePolicies),
    policyMappings: one(oid.policyMappings, readPolicyMappings),
    policyConstraints: one(oid.policyConstraints, readPolicyConstraints),
    inhibitAnyPolicy: one(oid.inhibitAnyPolicy, readInhibitAnyPolicy),
    ocspNoCheck: one(oid.ocspNoCheck, readNoCheck) ?? false,
  };
}

const form = "PATH-FORM";

function readBasicConstraints(value: Uint8Array): { isCa: boolean; pathLength: number | undefined } {
  const reader = DerReader.open(value, tag.sequence, form);
  const isCa = reader.next(tag.boolean) && reader.boolean();
  if (!isCa && value.length > 2) throw new Refusal(form, "a default is written out, or a path length without a CA");
  const pathLength = reader.done ? undefined : reader.smallInteger();
  reader.finish();
  return { isCa, pathLength };
}

/** The value is NULL. */
function readNoCheck(value: Uint8Array): true {
  if (value.length !== 2 || value[0] !== tag.null) throw new Refusal(form, "not a NULL");
  return true;
}

/** A named bit list: no trailing zero bits (X.690 11.2.2), at least one bit, none beyond the ninth. */
function readKeyUsage(value: Uint8Array): readonly KeyUsage[] {
  const reader = new DerReader(value, { start: 0, end: value.length }, form);
  const octets = content(value, reader.read(tag.bitString));
  reader.finish();
  const [unused = 8] = octets;
  const bits = octets.subarray(1);
  const last = bits.at(-1) ?? 0;
  const lowest = last & -last;
  if (unused > 7 || lowest !== 1 << unused) throw new Refusal(form, "a key usage is empty or not in the fewest bits");
  const used = bits.length * 8 - unused;
  if (used > keyUsages.length) throw new Refusal(form, "a key usage that is not known");
  return keyUsages.filter((_, bit) => bit < used && ((bits[bit >> 3] as number) & (0x80 >> (bit & 7))) !== 0);
}

function readExtendedKeyUsage(value: Uint8Array): readonly string[] {
  const reader = DerReader.open(value, tag.sequence, form);
  const out: string[] = [];
  while (!reader.done && out.length < 32) out.push(reader.oid());
  reader.finish();
  if (out.length === 0) throw new Refusal(form, "an empty extended key usage");
  if (new Set(out).size !== out.length) throw new Refusal(form, "an extended key usage stands twice");
  return out;
}

function readSubjectKeyIdentifier(value: Uint8Array): Uint8Array {
  const reader = new DerReader(value, { start: 0, end: value.length }, form);
  const octets = content(value, reader.read(tag.octetString));
  reader.finish();
  if (octets.length === 0 || octets.length > 64) throw new Refusal(form, "a key identifier of a wrong length");
  return octets;
}

/** The key identifier [0]; issuer [1] and serial [2] are checked for their form and not used (RFC 5280 4.2.1.1). */
function readAuthorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const reader = DerReader.open(value, tag.sequence, form);
  const identifier = reader.optional(0x80);
  const issuer = reader.optional(0xa1);
  const serial = reader.optional(0x82);
  reader.finish();
  if ((issuer === undefined) !== (serial === undefined)) throw new Refusal(form, "half of an issuer and serial number");
  if (issuer) readGeneralNames(reader.inside(issuer));
  if (serial) unsignedContent(content(value, serial));
  return identifier && content(value, identifier);
}

function readGeneralNames(reader: DerReader): readonly GeneralName[] {
  const names: GeneralName[] = [];
  while (!reader.done) {
    if (names.length === 64) throw new Refusal(form, "more than 64 alternative names");
    names.push(readGeneralName(reader));
  }
  if (names.length === 0) throw new Refusal(form, "an empty list of names");
  return names;
}

function readGeneralName(reader: DerReader): GeneralName {
  const element = reader.any();
  if (![0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, 0x86, 0x87, 0x88].includes(element.tag)) {
    throw new Refusal(form, "not a kind of name that exists");
  }
  if (element.tag !== 0xa4) return { tag: element.tag, value: content(reader.bytes, element) };
  const inner = reader.inside(element);
  const name = whole(reader.bytes, inner.read(tag.sequence));
  inner.finish();
  rdnEncodings(name);
  return { tag: element.tag, value: name };
}

/** RFC 5280 4.2.1.10: at least one subtree; minimum 0 (left out) and no maximum. */
function readNameConstraints(value: Uint8Array): NameConstraints {
  const reader = DerReader.open(value, tag.sequence, form);
  const permitted = reader.next(0xa0) ? readSubtrees(reader.enter(0xa0)) : [];
  const excluded = reader.next(0xa1) ? readSubtrees(reader.enter(0xa1)) : [];
  reader.finish();
  if (permitted.length + excluded.length === 0) throw new Refusal(form, "empty name constraints");
  return { permitted, excluded };
}

function readSubtrees(reader: DerReader): readonly GeneralName[] {
  const bases: GeneralName[] = [];
  while (!reader.done) {
    if (bases.length === 64) throw new Refusal(form, "more than 64 name constraints");
    const subtree = reader.enter(tag.sequence);
    bases.push(readGeneralName(subtree));
    subtree.finish();
  }
  if (bases.length === 0) throw new Refusal(form, "empty name constraints");
  return bases;
}
