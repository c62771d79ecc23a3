/**
 * What operators sign: the signer's challenge as it stands (an approval), or the challenge with another type and a
 * reason (a rejection, a withdrawal, an abort). docs/formats.md, "authorization.p7m".
 */

import { canonicalBytes, readCanonical } from "../encoding/canonical-json.ts";
import type { OwnOids } from "../encoding/oid.ts";
import { hexText, integer, literal, object, oneOf, optional, type Read, text, utc } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { modes } from "./request.ts";

const members = {
  appliance: text(64),
  batchDigest: hexText(),
  bytes: integer(0),
  count: integer(1),
  /** mode emergency: SHA-256 of the content of the order that declared it */
  emergency: optional(hexText()),
  expires: utc,
  mode: oneOf(modes),
  nonce: hexText(),
  policyDigest: hexText(),
  version: literal(1),
};

const readChallengeValue = object({ ...members, type: literal("authorization") });
const readOtherValue = object({
  ...members,
  reason: text(500),
  type: oneOf(["rejection", "withdrawal", "abort"]),
});

/** The signer's challenge; an approval is a SignedData over exactly its canonical bytes. */
export type Challenge = Read<typeof readChallengeValue>;
/** A decision other than an approval. */
export type Dissent = Read<typeof readOtherValue>;
export type DissentType = Dissent["type"];

export function challengeBytes(challenge: Challenge): Uint8Array {
  return canonicalBytes(challenge);
}

/** Reads the canonical bytes of a challenge. Refuses with JSON or SHAPE. */
export function readChallenge(content: Uint8Array): Challenge {
  return readChallengeValue(readCanonical(content), "challenge");
}

/** The content of a rejection, withdrawal or abort of a challenge. */
export function dissentBytes(challenge: Challenge, type: DissentType, reason: string): Uint8Array {
  return canonicalBytes(readOtherValue({ ...challenge, type, reason }, type));
}

/** Reads a dissent of `type` and requires that it is about `challenge`. Refuses with JSON, SHAPE, CMS-TYPE, CHALLENGE-MATCH. */
export function readDissent(content: Uint8Array, type: DissentType, challenge: Challenge): Dissent {
  const dissent = readOtherValue(readCanonical(content), type);
  if (dissent.type !== type)
    throw new Refusal("CMS-TYPE", "decision of another type", { expected: type, got: dissent.type });
  const { reason: _, ...rest } = dissent;
  const about = canonicalBytes({ ...rest, type: "authorization" });
  const expected = challengeBytes(challenge);
  if (about.length !== expected.length || !about.every((byte, at) => byte === expected[at])) {
    throw new Refusal("CHALLENGE-MATCH", `this ${type} is about another challenge`);
  }
  return dissent;
}

/** The eContentType of a decision. */
export function decisionOid(oids: OwnOids, type: "authorization" | DissentType): string {
  return oids[type];
}
