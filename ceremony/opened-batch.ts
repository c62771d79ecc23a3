/**
 * The batch that an operator decides about, checked here from the request's own bytes: digest, count and size are
 * recomputed, the submitter is verified against the policy, and challenge, policy and request must be about one thing.
 */

import { nodeHost, sha256 } from "../host/crypto-host.ts";
import { readSignedData } from "../manifests/cms/read.ts";
import { equal, fromHex, hex, utf8 } from "../manifests/encoding/bytes.ts";
import { ownOids } from "../manifests/encoding/oid.ts";
import type { Utc } from "../manifests/encoding/shape.ts";
import type { BatchHead } from "../manifests/records/batch-head.ts";
import { type Challenge, readChallenge } from "../manifests/records/decision.ts";
import { excludedRoles, type Person, type Policy, readPolicy } from "../manifests/records/policy.ts";
import type { ListedDocument } from "../manifests/records/request.ts";
import { verifyRequest } from "../manifests/records/request-envelope.ts";
import { RequestReader } from "../manifests/records/request-stream.ts";
import { Refusal } from "../manifests/refusal.ts";

export interface OpenedBatch {
  readonly head: BatchHead;
  readonly count: number;
  readonly bytes: number;
  /** the batch digest, recomputed */
  readonly digest: Uint8Array;
  /** the first documents of the list, as many as were asked for */
  readonly documents: readonly ListedDocument[];
  readonly challenge: Challenge;
  /** what an approval signs */
  readonly challengeContent: Uint8Array;
  readonly policy: Policy;
  readonly submitter: { readonly name: string; readonly certificate: Uint8Array };
}

export interface Opening {
  readonly challenge: string;
  readonly policy: string;
  /** batch.p7m */
  readonly envelope: Uint8Array;
}

const piece = 64 * 1024;

/**
 * Checks what the daemon gave. Refuses with SAME-BYTES when the request is not the one that the challenge names,
 * CHALLENGE-MATCH and POLICY-DIGEST when challenge and policy do not belong to it, and what the request's own checks refuse.
 */
export async function checkOpened(opening: Opening, now: Utc, keep: number): Promise<OpenedBatch> {
  const challengeContent = utf8(opening.challenge);
  const challenge = readChallenge(challengeContent);
  const policy = checkPolicy(utf8(opening.policy), challenge);
  const data = readSignedData(opening.envelope);
  if (!data.content) throw new Refusal("CMS-FORM", "batch.p7m holds no request");
  const request = readRequest(data.content, keep);
  const digest = sha256(data.content);
  checkSame(challenge, { ...request, digest });
  const oids = ownOids(policy.arc);
  const content = data.content;
  const contentDigest = (hash: "sha256" | "sha384" | "sha512") => nodeHost.digest(hash, content);
  const { submitter } = await verifyRequest(nodeHost, oids, { ...data, contentDigest }, { policy, now });
  return {
    ...request,
    digest,
    challenge,
    challengeContent,
    policy,
    submitter: { name: submitter.name, certificate: submitter.certificate.der },
  };
}

/** The person's entry in the policy. Refuses with PERSON-UNKNOWN, PERSON-EXCLUDED or PERSON-ROLE who may not decide, before a PIN is asked for. */
export function checkPerson(policy: Policy, id: string, certificate: Uint8Array): Person {
  const person = policy.people.find((one) => one.id === id);
  if (!person?.certificates.some((der) => equal(der, certificate))) {
    throw new Refusal("PERSON-UNKNOWN", `the policy in force does not know this certificate of ${id}`, {
      expected: person
        ? `one of ${person.certificates.length} certificates that policy ${policy.number} names`
        : `a person that policy ${policy.number} names`,
      got: person ? `certificate ${hex(sha256(certificate)).slice(0, 16)}` : id,
      about: id,
    });
  }
  const excluded = excludedRoles.find((role) => person.roles.includes(role));
  if (excluded)
    throw new Refusal("PERSON-EXCLUDED", `${id} holds the role ${excluded}, which may not approve`, { about: id });
  if (!person.roles.includes("operator")) {
    throw new Refusal("PERSON-ROLE", `${id} is no operator`, {
      expected: "operator",
      got: person.roles.join(", "),
      about: id,
    });
  }
  return person;
}

/** Refuses with CHALLENGE-EXPIRED a challenge whose time is over. */
export function checkNotExpired(challenge: Challenge, now: Utc): void {
  if (challenge.expires > now) return;
  throw new Refusal("CHALLENGE-EXPIRED", "the challenge of this batch has expired", {
    expected: `a time before ${challenge.expires}`,
    got: now,
  });
}

/** Reads the policy. Refuses with POLICY-DIGEST or CHALLENGE-MATCH one that the challenge does not belong to. */
export function checkPolicy(content: Uint8Array, challenge: Challenge): Policy {
  const policy = readPolicy(content);
  if (!equal(sha256(content), fromHex(challenge.policyDigest))) {
    throw new Refusal("POLICY-DIGEST", "the policy given is not the one that the challenge names", {
      expected: challenge.policyDigest,
      got: hex(sha256(content)),
    });
  }
  if (policy.appliance !== challenge.appliance) mismatch("appliance", policy.appliance, challenge.appliance);
  return policy;
}

function readRequest(content: Uint8Array, keep: number) {
  const reader = new RequestReader();
  const documents: ListedDocument[] = [];
  let count = 0;
  let bytes = 0;
  for (let at = 0; at < content.length; at += piece) {
    for (const document of reader.push(content.subarray(at, at + piece))) {
      count += 1;
      bytes += document.size;
      if (documents.length < keep) documents.push(document);
    }
  }
  return { head: reader.end(), count, bytes, documents };
}

/** Refuses with SAME-BYTES or CHALLENGE-MATCH what is not what the challenge asks to approve. */
export function checkSame(
  challenge: Challenge,
  request: Pick<OpenedBatch, "digest" | "count" | "bytes" | "head">,
): void {
  const digest = hex(request.digest);
  if (digest !== challenge.batchDigest) {
    throw new Refusal("SAME-BYTES", "what is shown is not what would be approved", {
      expected: `batch digest ${challenge.batchDigest}`,
      got: `batch digest ${digest}`,
    });
  }
  if (request.count !== challenge.count) mismatch("count of documents", request.count, challenge.count);
  if (request.bytes !== challenge.bytes) mismatch("bytes", request.bytes, challenge.bytes);
  if (request.head.mode !== challenge.mode) mismatch("mode", request.head.mode, challenge.mode);
}

function mismatch(what: string, expected: string | number, got: string | number): never {
  throw new Refusal("CHALLENGE-MATCH", `the challenge says another ${what} than what was recomputed here`, {
    expected: `${what} ${expected}`,
    got: `${what} ${got}`,
  });
}
