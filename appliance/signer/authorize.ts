/** Decisions of operators, judged by the signer itself: an authorisation, a rejection, an abort (QUORUM). */

import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { verifyAuthorization, verifyDissent } from "../../manifests/records/authorization.ts";
import type { Approver } from "../../manifests/records/tally.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Batch, BatchState, OpenChallenge } from "./batches.ts";
import { type Box, checkSound, now } from "./box.ts";
import { latest } from "./clock.ts";
import type { Db } from "./store.ts";
import { checkStoredRequest } from "./stored-request.ts";

/**
 * Takes the authorisation of a batch: content byte-equal to the open challenge, M distinct people of the policy in force.
 * Durable on return; allowed while locked. Refuses with CHALLENGE-*, QUORUM, PERSON-*, POLICY-DIGEST, NONCE-USED, BATCH-ENDED.
 */
export async function authorize(box: Box, batchDigest: string, p7m: Uint8Array): Promise<BatchState> {
  checkSound(box);
  const batch = box.batches.find(batchDigest);
  checkUndecided(box, batch, "NONCE-USED");
  const challenge = box.batches.challenge(batch);
  const approvers = await judge(box, batch, challenge, p7m);
  box.db.transaction(() => {
    checkUndecided(box, batch, "NONCE-USED");
    checkStillNewest(box, batch, challenge);
    if (box.batches.state(batch) === "authorized") return;
    box.db
      .prepare("INSERT INTO authorizations (challenge, p7m, approvers, received) VALUES (?, ?, ?, ?)")
      .run(challenge.id, p7m, canonical(approvers as unknown as Json), now(box));
    box.record("authorized", {
      approvers: approvers.map(({ person }) => person),
      batchDigest,
      file: hex(sha256(p7m)),
      nonce: challenge.challenge.nonce,
    });
  })();
  return "authorized";
}

/**
 * The people who approve by this file, under the policy in force. Refuses as `verifyAuthorization`, and what no verifier
 * would take the manifest for: CLOCK an approval that claims a time to come, PATH-* and others as `checkStoredRequest`
 * a request that does not hold at the time that the last approval claims.
 */
export async function judge(
  box: Box,
  batch: Batch,
  { challenge }: OpenChallenge,
  p7m: Uint8Array,
): Promise<readonly Approver[]> {
  const { policy, digest } = box.policies.inForce;
  const at = now(box);
  const context = { policy, policyDigest: digest, challenge, now: at };
  const approvers = await verifyAuthorization(box.host, box.policies.oids, p7m, context);
  const early = approvers.find(({ signed }) => signed > at);
  if (early) {
    throw new Refusal("CLOCK", "an approval claims to be made later than now", {
      about: early.person,
      expected: `up to ${at}`,
      got: early.signed,
    });
  }
  const [first, ...others] = approvers.map(({ signed }) => signed);
  await checkStoredRequest(box, batch, latest(first as Utc, ...others));
  return approvers;
}

/** The authorisation stored under a challenge. Refuses with QUORUM when there is none. */
export function authorizationOf(
  db: Db,
  challenge: OpenChallenge,
): { readonly p7m: Uint8Array; readonly approvers: readonly Approver[] } {
  const row = db
    .prepare<[number], { p7m: Uint8Array; approvers: string }>(
      "SELECT p7m, approvers FROM authorizations WHERE challenge = ?",
    )
    .get(challenge.id);
  if (!row) throw new Refusal("QUORUM", "this batch is not authorised");
  return { p7m: row.p7m, approvers: JSON.parse(row.approvers) as readonly Approver[] };
}

/**
 * The id of a batch's challenge when the authorisation stored under it holds no more: a certificate expired while it waited for
 * the box. The people must approve again, under a new challenge.
 */
export async function lapsedChallenge(box: Box, batch: Batch): Promise<number | undefined> {
  if (box.batches.state(batch) !== "authorized") return undefined;
  const challenge = box.batches.challenge(batch);
  try {
    await judge(box, batch, challenge, authorizationOf(box.db, challenge).p7m);
    return undefined;
  } catch (fault) {
    if (fault instanceof Refusal) return challenge.id;
    throw fault;
  }
}

/** One operator's rejection ends a batch that is not being sealed. Durable on return. */
export async function reject(box: Box, batchDigest: string, p7m: Uint8Array): Promise<BatchState> {
  checkSound(box);
  const batch = box.batches.find(batchDigest);
  const check = () => checkUndecided(box, batch, "BATCH-STATE");
  check();
  await end(box, batch, "rejection", p7m, check);
  return "rejected";
}

/**
 * One operator's abort. Before the nonce is used it ends the batch; later it is an order that `seal-batch.ts` obeys between two
 * documents and answers by a manifest with outcome aborted. The order is durable on return.
 */
export async function orderAbort(box: Box, batchDigest: string, p7m: Uint8Array): Promise<Batch> {
  checkSound(box);
  const batch = box.batches.find(batchDigest);
  const check = () => {
    if (box.batches.state(batch) !== "sealing") checkUndecided(box, batch, "BATCH-ENDED");
  };
  check();
  if (!box.batches.ending(batch)) await end(box, batch, "abort", p7m, check);
  return batch;
}

async function end(
  box: Box,
  batch: Batch,
  kind: "rejection" | "abort",
  p7m: Uint8Array,
  check: () => void,
): Promise<void> {
  const challenge = box.batches.challenge(batch);
  const { policy, digest } = box.policies.inForce;
  const { approver, reason } = await verifyDissent(box.host, box.policies.oids, p7m, kind, {
    policy,
    policyDigest: digest,
    challenge: challenge.challenge,
    now: now(box),
  });
  box.db.transaction(() => {
    check();
    const time = now(box);
    box.db
      .prepare("INSERT INTO endings (request, kind, p7m, person, name, reason, time) VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(batch.id, kind, p7m, approver.person, approver.name, reason, time);
    box.record(kind === "rejection" ? "rejected" : "abort-ordered", {
      batchDigest: hex(batch.batchDigest),
      file: hex(sha256(p7m)),
      name: approver.name,
      person: approver.person,
      reason,
      time,
    });
  })();
}

/** Refuses whatever comes too late: with `used` once the nonce is used up, with BATCH-ENDED when the batch ended without it. */
function checkUndecided(box: Box, batch: Batch, used: "NONCE-USED" | "BATCH-STATE" | "BATCH-ENDED"): void {
  const state = box.batches.state(batch);
  if (state === "challenged" || state === "authorized") return;
  const reserved = box.batches.number(batch) !== null;
  throw new Refusal(reserved ? used : "BATCH-ENDED", `this batch is ${state}`, { about: hex(batch.batchDigest) });
}

function checkStillNewest(box: Box, batch: Batch, challenge: OpenChallenge): void {
  if (box.batches.challenge(batch).id === challenge.id) return;
  throw new Refusal("CHALLENGE-MATCH", "a new challenge was issued meanwhile", { about: hex(batch.batchDigest) });
}
