/**
 * QUORUM and SEAL-ONCE at the last moment before the key is used: everything is checked again from the signer's own
 * store, and one transaction uses up the nonce and reserves the manifest number.
 */

import { sha256 } from "../../host/crypto-host.ts";
import { type SuiteName, suiteOf } from "../../manifests/cms/suite.ts";
import { fromBase64, hex } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import type { Approver } from "../../manifests/records/tally.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { authorizationOf, judge } from "./authorize.ts";
import type { Batch, OpenChallenge } from "./batches.ts";
import { type Box, checkSound, now } from "./box.ts";
import { isOpen } from "./challenge.ts";
import { type BoxKey, type BoxKeys, certifiedKey } from "./keys.ts";
import { checkComposable } from "./manifest.ts";
import type { Db } from "./store.ts";
import { checkStoredBatch } from "./stored-request.ts";

/** A manifest number that belongs to one batch for ever, with what the seals under it are made with. */
export interface Reservation {
  readonly number: number;
  /** number of the policy that was in force */
  readonly policy: number;
  readonly batch: Batch;
  readonly keys: BoxKeys;
  readonly approvers: readonly Approver[];
  readonly challenge: OpenChallenge;
  /** authorization.p7m */
  readonly authorization: Uint8Array;
}

/**
 * The batch's reservation: the one that it has, or a new one. Refuses with QUORUM, CHALLENGE-EXPIRED, POLICY-DIGEST,
 * SEAL-ONCE, BUSY (another batch is unfinished), PATH-TIME, PATH-REVOKED, CHAIN, what `judge` refuses, and what no manifest
 * could say; nothing is used up then.
 */
export async function reserve(box: Box, batch: Batch): Promise<Reservation> {
  checkSound(box);
  const challenge = box.batches.challenge(batch);
  await checkStoredBatch(box, batch, challenge);
  if (box.batches.state(batch) === "sealing") return storedReservation(box, batch);
  checkReservable(box, batch, challenge);
  const { p7m: authorization, approvers } = authorizationOf(box.db, challenge);
  await judge(box, batch, challenge, authorization);
  const { keys, policies } = box;
  const policy = policies.inForce.number;
  const reservation = { number: nextNumber(box.db), policy, batch, keys, approvers, challenge, authorization };
  await checkComposable(box, reservation);
  box.db.transaction(() => {
    checkReservable(box, batch, challenge);
    insert(box, reservation);
  })();
  return reservation;
}

/** The reservation as stored, whatever the configuration says now. */
export function storedReservation(box: Box, batch: Batch): Reservation {
  const row = box.db
    .prepare<[number], ReservationRow>(
      "SELECT number, policy, suite, audit_suite AS auditSuite, certificates FROM reservations WHERE request = ?",
    )
    .get(batch.id);
  if (!row) throw new Refusal("BATCH-STATE", "no number is reserved for this batch", { about: hex(batch.batchDigest) });
  const challenge = box.batches.challenge(batch);
  const { p7m, approvers } = authorizationOf(box.db, challenge);
  return {
    number: row.number,
    policy: row.policy,
    batch,
    keys: readKeys(row),
    approvers,
    challenge,
    authorization: p7m,
  };
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
  if (
    !isOpen(challenge.challenge, box.policies.inForce.digest, at) ||
    box.batches.challenge(batch).id !== challenge.id
  ) {
    throw new Refusal("CHALLENGE-EXPIRED", "the approvals have expired", {
      about,
      expected: challenge.challenge.expires,
    });
  }
  const sealed = box.batches.sealedAs(batch.identity);
  if (sealed !== undefined) {
    throw new Refusal("SEAL-ONCE", `these documents were sealed under manifest ${sealed}`, { about: `${sealed}` });
  }
  const unfinished = box.batches.unfinished();
  if (unfinished) {
    throw new Refusal("BUSY", `manifest ${unfinished.number} is not finished`, {
      about: hex(unfinished.batch.batchDigest),
    });
  }
  for (const key of [box.keys.sealing, box.keys.audit]) checkValid(key, box.policies.inForce.policy, at);
}

function checkValid(key: BoxKey, policy: Policy, at: Utc): void {
  const { notBefore, notAfter, subjectText } = readCertificate(key.certificate);
  const revoked = key.chain.find((der) => policy.revoked.includes(hex(sha256(der))));
  if (revoked) {
    const about = readCertificate(revoked).subjectText;
    throw new Refusal("PATH-REVOKED", "the policy revokes a certificate of the box", { about });
  }
  if (at >= notBefore && at <= notAfter) return;
  throw new Refusal("PATH-TIME", "a certificate of the box is not valid now", {
    about: subjectText,
    expected: `${notBefore} to ${notAfter}`,
    got: at,
  });
}

function nextNumber(db: Db): number {
  return db.prepare<[], number>("SELECT coalesce(max(number), 0) + 1 FROM reservations").pluck().get() as number;
}

function insert(box: Box, { number, policy, batch, keys, challenge }: Reservation): void {
  const { sequence } = box.record("reserved", {
    batchDigest: hex(batch.batchDigest),
    identity: hex(batch.identity),
    nonce: challenge.challenge.nonce,
    number,
    sealingCertificate: hex(keys.sealing.certificateDigest),
  });
  const chains = [keys.sealing, keys.audit].map(({ chain }) => chain.map((der) => der.toBase64()));
  box.db
    .prepare(
      `INSERT INTO reservations (number, request, challenge, policy, suite, audit_suite, sequence, certificates)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      number,
      batch.id,
      challenge.id,
      policy,
      keys.sealing.suite.name,
      keys.audit.suite.name,
      sequence,
      canonical(chains),
    );
}

interface ReservationRow {
  readonly number: number;
  readonly policy: number;
  readonly suite: SuiteName;
  readonly auditSuite: SuiteName;
  readonly certificates: string;
}

function readKeys({ certificates, suite, auditSuite }: ReservationRow): BoxKeys {
  const [sealing, audit] = (JSON.parse(certificates) as string[][]).map((chain) => chain.map(fromBase64));
  return {
    sealing: certifiedKey(sealing as Uint8Array[], suiteOf(suite)),
    audit: certifiedKey(audit as Uint8Array[], suiteOf(auditSuite)),
  };
}
