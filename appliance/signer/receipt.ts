/** What leaves the box, as streams of files from the store alone: a batch's receipt, the keeper's audit files, a rejection. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { fileHeader } from "../../manifests/encoding/file-stream.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import {
  certificatePath,
  declarationPath,
  keptCertificatePath,
  localTimePath,
  policyPath,
} from "../../manifests/records/names.ts";
import { sealFile } from "../../manifests/records/seal.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { logsOf } from "./attest.ts";
import type { Batch } from "./batches.ts";
import type { Box } from "./box.ts";
import { file, gathered } from "./file-pieces.ts";
import { goesOn, lastPast, type PastFile, pastAudit, pastManifest, pastReceipt, pastRequest } from "./past.ts";
import { requestFiles } from "./request-files.ts";
import { type Reservation, storedReservation } from "./reserve.ts";
import { sealingKey } from "./reserved-keys.ts";
import { listLines, sealedRows } from "./sealed-list.ts";
import { revocationFiles } from "./stored-revocation.ts";
import { storedTimeStamp } from "./stored-time-stamp.ts";
import { usedCertificates } from "./used-certificates.ts";

/** Files as in `outbox/BATCH`; the same bytes every time. Refuses with BATCH-UNKNOWN a number without manifest. */
export function receipt(box: Box, number: number): Iterable<Uint8Array> {
  if (pastManifest(box.db, number)) return gathered(namedFiles(pastReceipt(box.db, number), ""));
  const { p7m, outcome } = manifestOf(box, number);
  const reservation = reservationOf(box, number);
  return gathered(receiptFiles(box, reservation, { p7m, outcome }));
}

function* receiptFiles(box: Box, reservation: Reservation, { p7m, outcome }: StoredManifest): Generator<Uint8Array> {
  const { batch, emergency, keys, number } = reservation;
  // Not the reservation's: an abort may be told of under a later one.
  const manifest = readManifest(readSignedData(p7m).content ?? new Uint8Array(0));
  const last = manifest.policy.number;
  yield* file("manifest.p7m", p7m);
  yield* file("authorization.p7m", reservation.authorization);
  yield* requestFiles(box.db, batch);
  for (const policy of box.policies.all()) {
    // Later policies are no part of this receipt: it stays the same for ever.
    if (policy.number <= last) yield* file(policyPath(policy.number), policy.p7m);
  }
  for (const [name, { chain }] of [
    ["sealing", keys.sealing],
    ["audit", keys.audit],
  ] as const) {
    for (const [at, der] of chain.entries()) yield* file(certificatePath(name, at + 1), der);
  }
  for (const { bytes, path } of logsOf(box.db, manifest)) yield* file(path, bytes);
  yield* listFile(box, number, "documents.jsonl");
  if (emergency !== undefined) yield* file(declarationPath, box.orders.signed(emergency));
  if (outcome === "aborted") return;
  const stamp = storedTimeStamp(box.db, number);
  if (stamp) yield* file(localTimePath, stamp);
  for (const { path, bytes } of revocationFiles(box.db, manifest)) yield* file(path, bytes);
  for (const { entry, signerInfo } of sealedRows(box.db, number)) {
    yield* file(entry.seal, sealFile({ certificates: sealingKey(reservation, entry.index).chain, signerInfo }));
  }
}

/**
 * What is for the keeper: the whole chain of policies; certificates of the keys that made the manifests from a number on, and their seals; and of each of these
 * manifests `NUMBER/{manifest.p7m, authorization.p7m, documents.jsonl, batch.p7m}`, the last where a request was signed.
 */
export function audit(box: Box, from: number): Iterable<Uint8Array> {
  return gathered(auditFiles(box, from));
}

function* auditFiles(box: Box, from: number): Generator<Uint8Array> {
  for (const { number, p7m } of box.policies.all()) yield* file(policyPath(number), p7m);
  for (const [digest, der] of usedCertificates(box.db, from)) yield* file(keptCertificatePath(digest), der);
  for (let number = from; number <= lastPast(box.db); number++) {
    // Numbers that the loss of a disk left unexplained have nothing to give.
    yield* namedFiles(pastAudit(box.db, number), `${number}/`);
    yield* namedFiles(pastRequest(box.db, number), `${number}/`);
  }
  const first = Math.max(from, goesOn(box.db)?.next ?? 1);
  for (let number = first; number <= lastManifest(box); number++) {
    const { authorization, batch } = reservationOf(box, number);
    yield* file(`${number}/manifest.p7m`, manifestOf(box, number).p7m);
    yield* file(`${number}/authorization.p7m`, authorization);
    yield* listFile(box, number, `${number}/documents.jsonl`);
    if (batch.head.type === "batch-request") yield* requestFiles(box.db, batch, `${number}/`);
  }
}

/** The decision that ended a batch (`rejection.p7m` or `abort.p7m`), and the batch's request where it was one. */
export function rejection(box: Box, batch: Batch): Iterable<Uint8Array> {
  const ending = box.batches.ending(batch);
  if (!ending) throw new Refusal("BATCH-STATE", "this batch was neither rejected nor aborted");
  const { db } = box;
  return gathered(
    (function* () {
      yield* file(`${ending.kind}.p7m`, ending.p7m);
      if (batch.head.type === "batch-request") yield* requestFiles(db, batch);
    })(),
  );
}

/** The number of the last manifest; 0 when there is none. */
export function lastManifest({ db }: Pick<Box, "db">): number {
  const last = db.prepare<[], number | null>("SELECT max(number) FROM manifests").pluck().get();
  return last ?? lastPast(db);
}

export interface StoredManifest {
  readonly p7m: Uint8Array;
  readonly outcome: "sealed" | "aborted";
}

export function manifestOf(box: Box, number: number): StoredManifest {
  const row = box.db
    .prepare<[number], StoredManifest>("SELECT p7m, outcome FROM manifests WHERE number = ?")
    .get(number);
  if (!row) throw new Refusal("BATCH-UNKNOWN", `no manifest ${number} here`, { about: `${number}` });
  return row;
}

/** Refuses with BATCH-UNKNOWN a number without one. */
export function reservationOf(box: Box, number: number): Reservation {
  const request = box.db
    .prepare<[number], number>("SELECT request FROM reservations WHERE number = ?")
    .pluck()
    .get(number);
  if (request === undefined) throw new Refusal("BATCH-UNKNOWN", `no manifest ${number} here`, { about: `${number}` });
  return storedReservation(box, box.batches.get(request));
}

function* listFile(box: Box, number: number, path: string): Generator<Uint8Array> {
  let length = 0;
  for (const line of listLines(box.db, number)) length += line.length;
  yield fileHeader(path, length);
  yield* listLines(box.db, number);
}

function* namedFiles(files: Iterable<PastFile>, below: string): Generator<Uint8Array> {
  for (const { path, bytes } of files) yield* file(`${below}${path}`, bytes);
}

/** The whole chain of policies as files `policy/NNNN.p7m`. */
export function policyFiles(box: Box): Iterable<Uint8Array> {
  return gathered(
    (function* () {
      for (const { number, p7m } of box.policies.all()) yield* file(policyPath(number), p7m);
    })(),
  );
}
