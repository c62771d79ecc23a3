/** The challenge that approvals of a batch answer: one open at a time, bound to the policy in force, journalled. */

import { randomBytes } from "node:crypto";
import { hex } from "../../manifests/encoding/bytes.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { type Challenge, challengeBytes } from "../../manifests/records/decision.ts";
import type { Batch, OpenChallenge } from "./batches.ts";
import { type Box, now } from "./box.ts";
import { earliest } from "./clock.ts";
import { countEarlier } from "./earlier-seals.ts";
import { checkRoomInEmergency } from "./emergency.ts";

/** Can approvals under this challenge still be used: not expired, under the policy in force and, in mode emergency, in the one that is open. */
export function isOpen({ orders, policies }: Pick<Box, "orders" | "policies">, challenge: Challenge, at: Utc): boolean {
  if (challenge.policyDigest !== hex(policies.inForce.digest) || at >= challenge.expires) return false;
  return challenge.emergency === undefined || challenge.emergency === orders.standing.emergency?.digest;
}

/**
 * Issues a challenge for a batch inside the caller's transaction; approvals of an older one are void from then on. It
 * expires with the request or the emergency, and at the latest at `until`, the end of the submitter's path: verifiers judge that at the last
 * approval. Refuses with EMERGENCY a batch of that mode where none is open, or too much of it is used up.
 */
export function issueChallenge(box: Box, batch: Batch, until: Utc): OpenChallenge {
  const at = now(box);
  const { policy, digest } = box.policies.inForce;
  const latest = utcOf(Date.parse(at) + policy.limits.approvalSeconds * 1000);
  const emergency = batch.head.mode === "emergency" ? checkRoomInEmergency(box, batch.count) : undefined;
  const challenge: Challenge = {
    appliance: box.facts.appliance,
    batchDigest: hex(batch.batchDigest),
    bytes: batch.bytes,
    count: batch.count,
    ...(emergency ? { emergency: emergency.digest } : {}),
    expires: earliest(latest, batch.head.expires, until, ...(emergency ? [emergency.until] : [])),
    mode: batch.head.mode,
    nonce: randomBytes(32).toString("hex"),
    policyDigest: hex(digest),
    type: "authorization",
    version: 1,
  };
  const content = challengeBytes(challenge);
  const earlier = countEarlier(box.db, batch.id);
  const { lastInsertRowid } = box.db
    .prepare(
      "INSERT INTO challenges (request, nonce, policy_digest, content, expires, earlier) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .run(batch.id, Buffer.from(challenge.nonce, "hex"), digest, content, challenge.expires, earlier);
  box.record("challenge", {
    challenge,
    file: hex(batch.fileDigest),
    folder: batch.folder,
    identity: hex(batch.identity),
    submitter: hex(batch.submitterKey),
  });
  return { id: Number(lastInsertRowid), content, challenge, earlier };
}
