/** The policy: who may do what, with which key (docs/formats.md, "policy.p7m"). */

import { suiteNames } from "../cms/suite.ts";
import type { Json } from "../encoding/canonical-json.ts";
import { readCanonical } from "../encoding/canonical-json.ts";
import { arcForm, arcLength } from "../encoding/oid.ts";
import {
  base64Bytes,
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
  utc,
} from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { readEmergencyRules } from "./emergency.ts";
import { mapKeys } from "./key-purpose.ts";
import { readLedgerRules } from "./policy-ledger.ts";
import { hashNames, modes } from "./request.ts";

export const roles = ["operator", "officer", "submitter", "keeper", "auditor", "administrator", "recovery"] as const;
export type Role = (typeof roles)[number];

/** Roles whose holder may never approve, whatever else the policy says. */
export const excludedRoles = ["submitter", "keeper", "auditor", "administrator", "recovery"] as const;

const certificate = base64Bytes(8192);
const spki = base64Bytes(1024);

const person = object({
  id: text(32, { pattern: /^[a-z][a-z0-9-]*$/ }),
  name: text(100),
  roles: list(oneOf(roles), 1, roles.length),
  /** exact certificates, DER; only these byte for byte count */
  certificates: list(certificate, 0, 8),
});

/** false: not taken. Else they are, from certificates with an extended key usage of their own, at most so long after the claimed signing-time. */
const readPlainRules = object({ maximumAgeSeconds: integer(60, 315_360_000) });
const readPlainEnvelopes: Reader<false | Read<typeof readPlainRules>> = (value, path) =>
  value === false ? false : readPlainRules(value, path);

const readVersion: Reader<1 | 2> = (value, path) => integer(1, 2)(value, path) as 1 | 2;

export const readPolicyValue = object({
  appliance: text(64, { pattern: /^[a-z0-9][a-z0-9-]*$/ }),
  /** arc of the organisation's OIDs; the documentation arc only in mode test */
  arc: text(arcLength, { pattern: arcForm }),
  clock: object({ driftPpm: integer(0, 1000), maximumErrorSeconds: integer(1) }),
  /** what an emergency may do; none can be declared where it is left out */
  emergency: optional(readEmergencyRules),
  /** SubjectPublicKeyInfo of the box's keys, DER */
  keys: object({ audit: spki, emergency: optional(spki), sealing: spki, time: optional(spki) }),
  /** the connected side's log, whose acknowledgements count; none do where it is left out. Of version 2 alone */
  ledger: optional(readLedgerRules),
  limits: object({
    approvalSeconds: integer(60, 31_536_000),
    batchBytes: integer(1),
    documentBytes: integer(1),
    documents: integer(1, 1_000_000),
    minimumRsaBits: integer(2048, 16384),
  }),
  modes: list(oneOf(modes), 1, modes.length),
  network: oneOf(["fatal", "recorded"]),
  /** signed ahead: the box does not take it before; whoever brings it in then, no quorum meets again. Never of number 1 */
  notBefore: optional(utc),
  number: integer(1),
  people: list(person, 1, 64),
  /** SHA-256 of the previous policy's content; null for number 1 */
  previous: nullable(hexText()),
  profile: object({
    digest: oneOf(hashNames),
    level: literal("CAdES-B-B"),
    suite: oneOf(suiteNames),
  }),
  /** how long records must be kept at least, and documents that nobody decides on at most; the policy asks neither where it is left out */
  retention: optional(object({ recordYears: integer(1, 100), undecidedHours: integer(1, 8784) })),
  /**
   * where it is there: CRLs and OCSP responses that came in on media must say of the box's own certificates that they are not revoked, and be no older; `roots`: of the box's
   * paths. `stale`: what it does where none is new enough
   */
  revocation: optional(
    object({
      maximumAgeSeconds: integer(60, 315_360_000),
      roots: list(certificate, 1, 16),
      stale: oneOf(["refuse", "state"]),
    }),
  ),
  /** SHA-256 of certificates that count no more */
  revoked: list(hexText(), 0, 10_000),
  submitters: object({ plainEnvelopes: readPlainEnvelopes, roots: list(certificate, 1, 16) }),
  /** legal texts that operators see */
  texts: object({ approval: text(2000) }),
  /** how many distinct people each operation needs */
  thresholds: object({
    policy: integer(1, 64),
    /** recovery holders who may sign the next policy when too few officers' tokens survive; nobody may where it is left out */
    recovery: optional(integer(2, 64)),
    seal: integer(1, 64),
  }),
  type: literal("policy"),
  /** the box locks itself after so long, or after so many seals; never where it is left out */
  unlocked: optional(object({ seals: integer(1), seconds: integer(60, 31_536_000) })),
  /** how many seals may wait for evidence of time, and how long; roots of the authorities whose evidence counts. No limit where it is left out */
  unanchored: optional(object({ hours: integer(1, 87_840), roots: list(certificate, 1, 16), seals: integer(1) })),
  version: readVersion,
});

export type Policy = Read<typeof readPolicyValue>;
export type Person = Policy["people"][number];

/** Reads a policy's canonical JSON. Refuses with JSON or SHAPE. Who signed it is `policy-chain.ts`'s matter. */
export function readPolicy(content: Uint8Array): Policy {
  const policy = readPolicyValue(readCanonical(content), "policy");
  if (policy.version === policyVersion(policy)) return policy;
  const detail = { expected: `version ${policyVersion(policy)}`, got: `version ${policy.version}` };
  throw new Refusal("SHAPE", "policy.version: 2 is that of a policy with `ledger`, 1 that of one without", detail);
}

/** Of the format: a policy without what version 2 brought stays of version 1, byte for byte, as readers of before know it. */
export function policyVersion({ ledger }: { readonly ledger?: unknown }): Policy["version"] {
  return ledger === undefined ? 1 : 2;
}

/** A policy as JSON, certificates and keys in base64, ready for `canonicalBytes`. */
export function policyJson({ ledger, revocation, unanchored, ...policy }: Policy): Json {
  return {
    ...policy,
    ...(ledger ? { ledger: { ...ledger, acknowledgement: ledger.acknowledgement.toBase64() } } : {}),
    ...(unanchored ? { unanchored: { ...unanchored, roots: unanchored.roots.map((der) => der.toBase64()) } } : {}),
    ...(revocation ? { revocation: { ...revocation, roots: revocation.roots.map((der) => der.toBase64()) } } : {}),
    keys: mapKeys(policy.keys, (spki) => spki.toBase64()),
    people: policy.people.map((one) => ({ ...one, certificates: one.certificates.map((der) => der.toBase64()) })),
    submitters: { ...policy.submitters, roots: policy.submitters.roots.map((der) => der.toBase64()) },
  };
}
