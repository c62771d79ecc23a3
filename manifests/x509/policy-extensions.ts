/** The extensions by which CAs say under which policies they issue (RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14). Policies here are the certificates', not a box's. */

import { content, DerReader, type Element, tag, unsignedContent } from "../encoding/der-read.ts";
import { Refusal } from "../refusal.ts";

/** Stands for any policy, in a certificate and among what a verifier accepts. */
export const anyPolicy = "2.5.29.32.0";

export interface PolicyMapping {
  readonly issuerDomain: string;
  readonly subjectDomain: string;
}

/** After how many more certificates it holds; undefined: it does not. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitPolicyMapping: number | undefined;
}

const form = "PATH-FORM";
/** Of policies, of qualifiers of one, of mappings: far more than bridges between large PKIs have. */
const most = 256;

/** Each once; qualifiers are checked for their form and not used: they are for people (RFC 5280 4.2.1.4). Refuses PATH-FORM. */
export function readCertificatePolicies(value: Uint8Array): readonly string[] {
  const policies: string[] = [];
  for (const one of sequencesIn(DerReader.open(value, tag.sequence, form), "certificate policies")) {
    policies.push(one.oid());
    if (!one.done) {
      const qualifiers = one.enter(tag.sequence);
      for (const qualifier of sequencesIn(qualifiers, "qualifiers of a certificate policy")) {
        qualifier.oid();
        qualifier.any();
        qualifier.finish();
      }
    }
    one.finish();
  }
  if (new Set(policies).size !== policies.length) throw new Refusal(form, "a certificate policy stands twice");
  return policies;
}

/** Refuses PATH-FORM. That none is from or to any policy is the path's to check. */
export function readPolicyMappings(value: Uint8Array): readonly PolicyMapping[] {
  const mappings: PolicyMapping[] = [];
  for (const one of sequencesIn(DerReader.open(value, tag.sequence, form), "policy mappings")) {
    mappings.push({ issuerDomain: one.oid(), subjectDomain: one.oid() });
    one.finish();
  }
  return mappings;
}

/** Refuses PATH-FORM, also where it constrains nothing. */
export function readPolicyConstraints(value: Uint8Array): PolicyConstraints {
  const reader = DerReader.open(value, tag.sequence, form);
  const requireExplicitPolicy = skipCerts(reader, 0x80);
  const inhibitPolicyMapping = skipCerts(reader, 0x81);
  reader.finish();
  if (requireExplicitPolicy === undefined && inhibitPolicyMapping === undefined) {
    throw new Refusal(form, "policy constraints that constrain nothing");
  }
  return { requireExplicitPolicy, inhibitPolicyMapping };
}

/** Refuses PATH-FORM. */
export function readInhibitAnyPolicy(value: Uint8Array): number {
  const reader = new DerReader(value, { start: 0, end: value.length }, form);
  const after = numberOf(value, reader.read(tag.integer));
  reader.finish();
  return after;
}

function skipCerts(reader: DerReader, wanted: number): number | undefined {
  const element = reader.optional(wanted);
  return element && numberOf(reader.bytes, element);
}

/** INTEGER (0..MAX), minimal. A path has a few certificates, so that what is above a byte's worth is as good as never. */
function numberOf(bytes: Uint8Array, element: Element): number {
  const octets = unsignedContent(content(bytes, element));
  return octets.length > 1 ? 255 : (octets[0] ?? 0);
}

function* sequencesIn(reader: DerReader, what: string): Generator<DerReader> {
  if (reader.done) throw new Refusal(form, `an empty list of ${what}`);
  for (let count = 1; !reader.done; count++) {
    if (count > most) throw new Refusal(form, `more than ${most} ${what}`);
    yield reader.enter(tag.sequence);
  }
}
