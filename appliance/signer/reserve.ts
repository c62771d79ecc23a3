/**
 * QUORUM and SEAL-ONCE at the last moment before the key is used: everything is checked again from the signer's own
 * store, and one transaction uses up the nonce and reserves the manifest number.
 */

import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import { sealingPurpose } from "../../manifests/records/emergency.ts";
import type { Approver } from "../../manifests/records/tally.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkMayGoOn } from "./acknowledgements.ts";
import { checkMayWait } from "./anchors.ts";
import { authorizationOf, judge } from "./authorize.ts";
import type { Batch, OpenChallenge } from "./batches.ts";
import { type Box, checkSound, now } from "./box.ts";
import { isOpen } from "./challenge.ts";
import { checkRoomInEmergency } from "./emergency.ts";
import type { BoxKeys } from "./keys.ts";
import { checkComposable } from "./manifest.ts";
import { keyInForce } from "./may-seal.ts";
import { goesOn } from "./past.ts";
import { sealedAs } from "./reseal.ts";
import {
  chainsDigest,
  chainsText,
  checkCertificates,
  type KeyPeriod,
  renewed,
  storedPeriods,
} from "./reserved-keys.ts";
import type { Db } from "./store.ts";
import { checkStoredBatch } from "./stored-request.ts";

/** A manifest number that belongs to one batch for ever, with what the seals under it are made with. */
export interface Reservation {
  readonly number: number;
  /** number of the policy that the batch was approved under, and that was in force */
  readonly policy: number;
  readonly batch: Batch;
  /** of the manifest, and of the documents from the last of `periods` on */
  readonly keys: BoxKeys;
  /** at least one, the first from index 1 */
  readonly periods: readonly KeyPeriod[];
  readonly approvers: readonly Approver[];
  readonly challenge: OpenChallenge;
  /** authorization.p7m */
  readonly authorization: Uint8Array;
  /** mode emergency: SHA-256 of the order that declared it, hex */
  readonly emergency: string | undefined;
}

/**
 * The batch's reservation: the one that it has, or a new one. Refuses with QUORUM, CHALLENGE-EXPIRED, POLICY-DIGEST,
 * SEAL-ONCE, EMERGENCY, UNANCHORED, UNACKNOWLEDGED, BUSY (another batch is unfinished), PATH-TIME, PATH-REVOKED, CHAIN, what `judge` refuses, and what no manifest
 * could say; nothing is used up then.
 */
export async function reserve(box: Box, batch: Batch): Promise<Reservation> {
  checkSound(box);
  const challenge = box.batches.challenge(batch);
  await checkStoredBatch(box, batch, challenge);
  if (box.batches.state(batch) === "sealing") return renewed(box, storedReservation(box, batch));
  checkReservable(box, batch, challenge);
  const { p7m: authorization, approvers } = authorizationOf(box.db, challenge);
  await judge(box, batch, challenge, authorization);
  const keys = { audit: box.keys.audit, sealing: keyInForce(box, sealingPurpose(batch.head.mode)) };
  const reservation: Reservation = {
    number: nextNumber(box.db),
    policy: box.policies.inForce.number,
    batch,
    keys,
    periods: [{ from: 1, keys }],
    approvers,
    challenge,
    authorization,
    emergency: challenge.challenge.emergency,
  };
  checkComposable(box, reservation);
  box.db.transaction(() => {
    checkReservable(box, batch, challenge);
    insert(box, reservation);
  })();
  return reservation;
}

/** The reservation as stored, whatever the configuration says now. */
export function storedReservation(box: Box, batch: Batch): Reservation {
  const row = box.db
    .prepare<[number], { number: number; policy: number; emergency: Uint8Array | null }>(
      "SELECT number, policy, emergency FROM reservations WHERE request = ?",
    )
    .get(batch.id);
  if (!row) throw new Refusal("BATCH-STATE", "no number is reserved for this batch", { about: hex(batch.batchDigest) });
  const challenge = box.batches.challenge(batch);
  const { p7m, approvers } = authorizationOf(box.db, challenge);
  const periods = storedPeriods(box.db, row.number);
  const { keys } = periods.at(-1) as KeyPeriod;
  const emergency = row.emergency ? hex(row.emergency) : undefined;
  return { ...row, batch, keys, periods, approvers, challenge, authorization: p7m, emergency };
}

function checkReservable(box: Box, batch: Batch, challenge: OpenChallenge): void {
  const about = hex(batch.batchDigest);
  const state = box.batches.state(batch);
  if (state === "challenged") throw new Refusal("QUORUM", "this batch is not authorised", { about });
  if (state !== "authorized") throw new Refusal("BATCH-ENDED", `this batch is ${state}`, { about });
  const at = now(box);
  if (challenge.challenge.policyDigest !== hex(box.policies.inForce.digest)) {
    throw new Refusal("POLICY-DIGEST", "the batch was approved under another policy", { about });
  }
  checkMayWait(box, batch.count);
  checkMayGoOn(box);
  if (batch.head.mode === "emergency") checkRoomInEmergency(box, batch.count, challenge.challenge.emergency);
  if (!isOpen(box, challenge.challenge, at) || box.batches.challenge(batch).id !== challenge.id) {
    throw new Refusal("CHALLENGE-EXPIRED", "the approvals have expired", {
      about,
      expected: challenge.challenge.expires,
    });
  }
  const sealed = sealedAs(box, batch.identity);
  if (sealed !== undefined) {
    throw new Refusal("SEAL-ONCE", `these documents were sealed under manifest ${sealed}`, { about: `${sealed}` });
  }
  const unfinished = box.batches.unfinished();
  if (unfinished) {
    throw new Refusal("BUSY", `manifest ${unfinished.number} is not finished`, {
      about: hex(unfinished.batch.batchDigest),
    });
  }
  const sealing = keyInForce(box, sealingPurpose(batch.head.mode));
  for (const key of [sealing, box.keys.audit]) checkCertificates(key, box.policies.inForce.policy, at);
}

function nextNumber(db: Db): number {
  const last = db.prepare<[], number | null>("SELECT max(number) FROM reservations").pluck().get();
  return typeof last === "number" ? last + 1 : (goesOn(db)?.next ?? 1);
}

function insert(box: Box, { number, policy, batch, keys, challenge, emergency }: Reservation): void {
  const { sequence } = box.record("reserved", {
    auditSuite: keys.audit.suite.name,
    batchDigest: hex(batch.batchDigest),
    certificates: chainsDigest(keys),
    ...(emergency === undefined ? {} : { emergency }),
    identity: hex(batch.identity),
    nonce: challenge.challenge.nonce,
    number,
    policy,
    sealingCertificate: hex(keys.sealing.certificateDigest),
    suite: keys.sealing.suite.name,
  });
  box.db
    .prepare(
      `INSERT INTO reservations (number, request, challenge, policy, suite, audit_suite, sequence, certificates, emergency)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      number,
      batch.id,
      challenge.id,
      policy,
      keys.sealing.suite.name,
      keys.audit.suite.name,
      sequence,
      chainsText(keys),
      emergency === undefined ? null : fromHex(emergency),
    );
}
