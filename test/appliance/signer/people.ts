/** A box's people, root and policies in software; the box's own keys may be in software or on a token. */

import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import type { SuiteName } from "../../../manifests/cms/suite.ts";
import { mergeSignedData } from "../../../manifests/cms/write.ts";
import { concat, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { type Utc, utcOf } from "../../../manifests/encoding/shape.ts";
import {
  type Challenge,
  challengeBytes,
  type DissentType,
  decisionOid,
  dissentBytes,
} from "../../../manifests/records/decision.ts";
import { type Policy, policyJson, readPolicy } from "../../../manifests/records/policy.ts";
import type { ListedDocument, RequestHead } from "../../../manifests/records/request.ts";
import { requestBytes } from "../../../manifests/records/request-stream.ts";
import { type Issued, issue, makeRoot } from "../../pki/authority.ts";

export const oids = ownOids(documentationArc);
export const root = makeRoot({ name: "Test root" });

export type PersonId = "op1" | "op2" | "op3";

export const operators: Readonly<Record<PersonId, Issued>> = {
  op1: issue(root, { name: "op1", eku: [oids.operator] }),
  op2: issue(root, { name: "op2", eku: [oids.operator] }),
  op3: issue(root, { name: "op3", eku: [oids.operator] }),
};
/** op1's second token: another key, also named by the policy. */
export const secondTokenOfOp1 = issue(root, { name: "op1", eku: [oids.operator] });
export const stranger = issue(root, { name: "stranger", eku: [oids.operator] });
export const submitter = issue(root, { name: "Contracts desk", eku: [oids.submitter] });
export const otherSubmitter = issue(root, { name: "Other desk", eku: [oids.submitter] });

/** Seconds from now, as a time. */
export function fromNow(seconds: number): Utc {
  return utcOf(Date.now() + seconds * 1000);
}

/** A policy for the public keys (SubjectPublicKeyInfo) of a box. */
export function policyFor(keys: Policy["keys"], change: Partial<Policy> = {}): Policy {
  const person = (id: PersonId) => ({
    id,
    name: `Operator ${id}`,
    roles: ["operator", "officer"] as const,
    certificates:
      id === "op1" ? [operators.op1.certificate, secondTokenOfOp1.certificate] : [operators[id].certificate],
  });
  return {
    appliance: "box-1",
    arc: documentationArc,
    clock: { driftPpm: 50, maximumErrorSeconds: 3600 },
    keys,
    limits: {
      approvalSeconds: 3600,
      batchBytes: 2 ** 40,
      documentBytes: 2 ** 32,
      documents: 200_000,
      minimumRsaBits: 2048,
    },
    modes: ["test"],
    network: "recorded",
    number: 1,
    people: [person("op1"), person("op2"), person("op3")],
    previous: null,
    profile: { digest: "sha256", level: "CAdES-B-B", suite: "ecdsa-p256-sha256" as SuiteName },
    revoked: [],
    submitters: { plainEnvelopes: false, roots: [root.certificate] },
    texts: { approval: "I checked origin, list and digest." },
    thresholds: { policy: 2, seal: 2 },
    type: "policy",
    version: 1,
    ...change,
  };
}

/** A policy signed by these people. */
export async function signPolicy(policy: Policy, by: readonly PersonId[]): Promise<Uint8Array> {
  const content = canonicalBytes(policyJson(policy));
  readPolicy(content);
  return merged(
    by.map((id) => operators[id]),
    oids.policy,
    content,
  );
}

export function policyDigest(policy: Policy): string {
  return hex(sha256(canonicalBytes(policyJson(policy))));
}

/** The next policy after `policy`, with changes. */
export function following(policy: Policy, change: Partial<Policy> = {}): Policy {
  return { ...policy, number: policy.number + 1, previous: policyDigest(policy), ...change };
}

export interface MadeBatch {
  readonly p7m: Uint8Array;
  readonly batchDigest: string;
  readonly documents: readonly ListedDocument[];
}

/** `count` documents whose digests depend on `seed` and their place. */
export function listOf(count: number, seed: string): ListedDocument[] {
  return Array.from({ length: count }, (_, at) => ({
    digest: hex(sha256(utf8(`${seed} ${at}`))),
    name: `${seed}-${at + 1}.pdf`,
    size: 1000 + at,
  }));
}

export function headOf(batch: string): RequestHead {
  return {
    batch,
    digestAlgorithm: "sha256",
    expires: fromNow(86_400),
    mode: "test",
    purpose: "Q4 supplier contracts",
    type: "batch-request",
    version: 1,
  };
}

export async function makeBatch(
  documents: readonly ListedDocument[],
  head: Partial<RequestHead> = {},
  signer: Issued = submitter,
  signingTime: Utc = fromNow(-60),
): Promise<MadeBatch> {
  const content = concat([...requestBytes({ ...headOf("2026-contracts"), ...head }, documents)]);
  const p7m = await signContent(nodeHost, signer.signingKey, { eContentType: oids.request, content, signingTime });
  return { p7m, batchDigest: hex(sha256(content)), documents };
}

/** authorization.p7m over a challenge by these signers. */
export function authorization(challenge: Challenge, ...by: readonly Issued[]): Promise<Uint8Array> {
  return authorizationAt(fromNow(-1), challenge, ...by);
}

export function authorizationAt(signed: Utc, challenge: Challenge, ...by: readonly Issued[]): Promise<Uint8Array> {
  return merged(by, oids.authorization, challengeBytes(challenge), signed);
}

export function dissent(
  challenge: Challenge,
  type: DissentType,
  by: Issued,
  reason = "wrong batch",
): Promise<Uint8Array> {
  return merged([by], decisionOid(oids, type), dissentBytes(challenge, type, reason));
}

async function merged(
  by: readonly Issued[],
  eContentType: string,
  content: Uint8Array,
  signingTime: Utc = fromNow(-1),
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const { signingKey } of by) {
    parts.push(await signContent(nodeHost, signingKey, { eContentType, content, signingTime }));
  }
  return mergeSignedData(parts.map((part) => readSignedData(part)));
}
