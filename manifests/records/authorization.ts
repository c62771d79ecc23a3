/** Signed decisions of operators: authorization.p7m (approvals of one challenge), a single approval, and dissents (docs/formats.md, "authorization.p7m"). */

import { readSignedData, type SignedData } from "../cms/read.ts";
import { verifySigner } from "../cms/verify.ts";
import { equal, hex } from "../encoding/bytes.ts";
import type { OwnOids } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import {
  type Challenge,
  challengeBytes,
  type DissentType,
  decisionOid,
  readChallenge,
  readDissent,
} from "./decision.ts";
import { type DigestedSigner, withDigest } from "./person.ts";
import type { Policy } from "./policy.ts";
import { type Approver, type Ballot, countable, tally, tallyPartial } from "./tally.ts";

/** What a decision must be about. */
export interface DecisionContext {
  readonly policy: Policy;
  /** SHA-256 of the policy's content */
  readonly policyDigest: Uint8Array;
  /** the one that the signer issued */
  readonly challenge: Challenge;
  readonly now: Utc;
}

/**
 * Verifies authorization.p7m: exactly the challenge's bytes, every signer verified, certificates exactly the signers',
 * and the quorum. Refuses DER, CMS-*, CHALLENGE-MATCH, POLICY-DIGEST and as `tally` does.
 */
export async function verifyAuthorization(
  host: Host,
  oids: OwnOids,
  p7m: Uint8Array,
  context: DecisionContext,
): Promise<readonly Approver[]> {
  return tally(await readBallot(host, oids, p7m, context));
}

/** An authorisation as it is judged later, without the signer's memory. */
export interface PastAuthorization {
  readonly challenge: Challenge;
  /** SHA-256 of the challenge's bytes, hex */
  readonly challengeDigestHex: string;
  readonly approvers: readonly Approver[];
  /** the last approval's claimed time: the quorum is judged at it */
  readonly completed: Utc;
}

/** As `verifyAuthorization`, over the challenge that the file holds, and at the time that the last approver claims. */
export async function verifyPastAuthorization(
  host: Host,
  oids: OwnOids,
  p7m: Uint8Array,
  { policy, policyDigest }: Pick<DecisionContext, "policy" | "policyDigest">,
): Promise<PastAuthorization> {
  const data = readSignedData(p7m);
  checkType(data, decisionOid(oids, "authorization"));
  const content = data.content ?? new Uint8Array(0);
  const challenge = readChallenge(content);
  checkPolicyDigest({ policyDigest, challenge });
  const signers = await verifyAllSigners(host, data, policy.limits.minimumRsaBits);
  const completed = signers
    .map(({ signingTime }) => signingTime)
    .sort()
    .at(-1) as Utc;
  const approvers = tally({ policy, challenge, signers, now: completed, role: "operator" });
  return { challenge, challengeDigestHex: hex(await host.digest("sha256", content)), approvers, completed };
}

/** Verifies one person's approval: as `verifyAuthorization`, with one signer and no threshold. Refuses CMS-SIGNERS for several. */
export async function verifyApproval(
  host: Host,
  oids: OwnOids,
  p7m: Uint8Array,
  context: DecisionContext,
): Promise<Approver> {
  return single(tallyPartial(await readBallot(host, oids, p7m, context)));
}

/**
 * Verifies a rejection, withdrawal or abort of the challenge by one operator; the challenge may have expired. Refuses
 * DER, CMS-*, JSON, SHAPE, CHALLENGE-MATCH, POLICY-DIGEST, PERSON-*, PATH-*.
 */
export async function verifyDissent(
  host: Host,
  oids: OwnOids,
  p7m: Uint8Array,
  type: DissentType,
  context: DecisionContext,
): Promise<{ readonly approver: Approver; readonly reason: string }> {
  checkPolicyDigest(context);
  const data = readSignedData(p7m);
  checkType(data, decisionOid(oids, type));
  const dissent = readDissent(data.content ?? new Uint8Array(0), type, context.challenge);
  const signers = await verifyAllSigners(host, data, context.policy.limits.minimumRsaBits);
  return { approver: single(countable({ ...context, signers, role: "operator" })), reason: dissent.reason };
}

/**
 * Every signer of a SignedData with content, verified. Refuses with CMS-CERTIFICATE certificates that are not exactly
 * the signers', with CMS-FORM content that is missing, else as `verifySigner` does.
 */
export async function verifyAllSigners(
  host: Host,
  data: SignedData,
  minimumRsaBits: number,
): Promise<readonly DigestedSigner[]> {
  const { content, certificates, eContentType } = data;
  if (content === undefined) throw new Refusal("CMS-FORM", "the content is missing");
  const contentDigest = (hash: "sha256" | "sha384" | "sha512") => host.digest(hash, content);
  const signers: DigestedSigner[] = [];
  for (const signer of data.signers) {
    const verified = await verifySigner(host, signer, { certificates, eContentType, contentDigest, minimumRsaBits });
    if (signer.unsigned) throw new Refusal("CMS-ATTRIBUTES", "unsigned attributes have no place here");
    signers.push(await withDigest(host, verified));
  }
  const used = new Set(signers.map(({ certificateSha256 }) => certificateSha256));
  if (used.size !== certificates.length) {
    throw new Refusal("CMS-CERTIFICATE", "certificates must be exactly those of the signers", {
      expected: `${used.size}`,
      got: `${certificates.length}`,
    });
  }
  return signers;
}

async function readBallot(host: Host, oids: OwnOids, p7m: Uint8Array, context: DecisionContext): Promise<Ballot> {
  checkPolicyDigest(context);
  const data = readSignedData(p7m);
  checkType(data, decisionOid(oids, "authorization"));
  if (!data.content || !equal(data.content, challengeBytes(context.challenge))) {
    throw new Refusal("CHALLENGE-MATCH", "what was approved is not this challenge");
  }
  const signers = await verifyAllSigners(host, data, context.policy.limits.minimumRsaBits);
  return { policy: context.policy, challenge: context.challenge, signers, now: context.now, role: "operator" };
}

function checkPolicyDigest({ policyDigest, challenge }: Pick<DecisionContext, "policyDigest" | "challenge">): void {
  if (hex(policyDigest) !== challenge.policyDigest) {
    throw new Refusal("POLICY-DIGEST", "the challenge was issued under another policy", {
      expected: hex(policyDigest),
      got: challenge.policyDigest,
    });
  }
}

function checkType(data: SignedData, expected: string): void {
  if (data.eContentType === expected) return;
  throw new Refusal("CMS-TYPE", "content of another type", { expected, got: data.eContentType });
}

function single(approvers: readonly Approver[]): Approver {
  const [approver, second] = approvers;
  if (!approver || second)
    throw new Refusal("CMS-SIGNERS", "expected exactly one signer", { got: `${approvers.length}` });
  return approver;
}
