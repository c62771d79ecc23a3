/** The signer's main procedure: from an authorised batch to its seals and its manifest, in the order of its promises. */

import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { sealingPurpose } from "../../manifests/records/emergency.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { beginAttempt } from "./attempts.ts";
import { type Attested, attest, checkAttests, storeLogs } from "./attest.ts";
import type { Batch, Ending } from "./batches.ts";
import type { Box } from "./box.ts";
import { composeManifest, type SignedManifest, signManifest } from "./manifest.ts";
import { checkMaySeal, lockWhenOver } from "./may-seal.ts";
import { revocationPart } from "./not-revoked.ts";
import { type Reservation, reserve } from "./reserve.ts";
import { checkRoom } from "./room.ts";
import { type OnProgress, sealDocuments } from "./seal-documents.ts";
import { digestList } from "./sealed-list.ts";
import { checkMayStamp, stampTree } from "./time-stamp.ts";

export interface SealResult {
  readonly number: number;
  readonly outcome: "sealed" | "aborted";
}

/**
 * Seals a batch, or goes on where a crash, a lock or a lost token stopped it. On return seals and manifest are durable
 * and the token's head covers them. Refuses before anything is signed with what `checkMaySeal` refuses, STORE (no room), what `checkAttests` and what `reserve`
 * refuses; in the middle with LOCKED, GAP, CLOCK, STORE, HSM codes: what is stored then stays, and the next call goes on.
 */
export async function sealBatch(box: Box, batch: Batch, onProgress: OnProgress): Promise<SealResult> {
  await checkMaySeal(box, box.batches.ending(batch) ? ["audit"] : [sealingPurpose(batch.head.mode), "audit"]);
  checkMayStamp(box, batch);
  if (!box.batches.ending(batch)) await revocationPart(box);
  checkRoom(box, batch);
  if (!box.batches.ending(batch)) await checkAttests(box);
  const reservation = await reserve(box, batch);
  beginAttempt(box, reservation);
  await box.lockbox.guard(() => box.head.advance());
  await sealDocuments(box, reservation, onProgress);
  const result = await conclude(box, reservation);
  await box.lockbox.guard(() => box.head.advance());
  // What the policy allows between two unlocks is used up: the batch is sealed, the next one waits.
  await lockWhenOver(box).catch(() => undefined);
  return result;
}

/** The box's own time-stamp, then the manifest: sealed, or aborted when that was ordered before it was stored. */
async function conclude(box: Box, reservation: Reservation): Promise<SealResult> {
  for (;;) {
    const ending = box.batches.ending(reservation.batch);
    const list = await digestList(box.host, box.db, reservation.number);
    if (!ending) await stampTree(box, reservation, list);
    const composed = {
      ...composeManifest(box, reservation, ending, list),
      ...(ending ? {} : await revocationPart(box, reservation)),
    };
    const { logs, manifest } = await attest(box, composed);
    const signed = await signManifest(box, reservation, manifest);
    const stored = box.db.transaction(() => store(box, reservation, { ...signed, logs }, ending))();
    if (stored) return { number: reservation.number, outcome: signed.manifest.outcome };
  }
}

/** Stores the manifest, and the batch in the register of what was sealed; false when an abort came first. */
function store(
  box: Box,
  { batch, number }: Reservation,
  signed: SignedManifest & Pick<Attested, "logs">,
  ending: Ending | undefined,
): boolean {
  if (ending === undefined && box.batches.ending(batch)) return false;
  const { manifest, p7m, contentDigest } = signed;
  box.db
    .prepare("INSERT INTO manifests (number, outcome, content_digest, p7m) VALUES (?, ?, ?, ?)")
    .run(number, manifest.outcome, contentDigest, p7m);
  storeLogs(box.db, signed.logs);
  if (manifest.outcome === "sealed") {
    box.db.prepare("INSERT INTO register (identity, number) VALUES (?, ?)").run(batch.identity, number);
  }
  box.record("manifest", {
    batchDigest: hex(batch.batchDigest),
    digest: hex(contentDigest),
    documents: manifest.documents.digest,
    file: hex(sha256(p7m)),
    number,
    outcome: manifest.outcome,
    sealed: manifest.documents.sealed,
  });
  return true;
}

/** One batch at a time: runs the work, lets callers join it, and says how far it is. */
export class SealingWork {
  readonly #box: Box;
  #job: Job | undefined;

  constructor(box: Box) {
    this.#box = box;
  }

  /** What is being sealed now. */
  get now():
    | { readonly batchDigest: string; readonly done: number; readonly count: number; readonly bytes: number }
    | undefined {
    return this.#job && { ...this.#job.progress, batchDigest: this.#job.batchDigest, count: this.#job.batch.count };
  }

  /** The result of the work on this batch, for whoever must wait for it. */
  running(batchDigest: string): Promise<SealResult> | undefined {
    return this.#job?.batchDigest === batchDigest ? this.#job.result : undefined;
  }

  /**
   * Seals a batch or joins the work on it; a batch that ended gives its result again. `onProgress` may be called until
   * the promise settles. Refuses with BUSY while another batch is being sealed, and as `sealBatch` does.
   */
  async seal(
    batchDigest: string,
    onProgress: (progress: { done: number; count: number; bytes: number }) => void,
  ): Promise<SealResult> {
    const batch = this.#box.batches.find(batchDigest);
    const ended = this.#ended(batch);
    if (ended) return this.#covered(ended);
    if (this.#job && this.#job.batchDigest !== batchDigest) {
      throw new Refusal("BUSY", "another batch is being sealed", { about: this.#job.batchDigest });
    }
    const job = this.#job ?? this.#start(batchDigest, batch);
    const listener = (done: number, bytes: number) => onProgress({ done, bytes, count: batch.count });
    job.listeners.add(listener);
    try {
      return await job.result;
    } finally {
      job.listeners.delete(listener);
    }
  }

  #start(batchDigest: string, batch: Batch): Job {
    const listeners = new Set<OnProgress>();
    const progress = { done: 0, bytes: 0 };
    const result = sealBatch(this.#box, batch, (done, bytes) => {
      Object.assign(progress, { done, bytes });
      for (const listener of listeners) listener(done, bytes);
    }).finally(() => {
      this.#job = undefined;
    });
    // Callers get the refusal; without any the work must not end the process.
    result.catch(() => undefined);
    this.#job = { batchDigest, batch, progress, listeners, result };
    return this.#job;
  }

  /** The result again, once the token's head covers it; while locked, the next unlock sees to that. */
  async #covered(result: SealResult): Promise<SealResult> {
    const { head, lockbox } = this.#box;
    if (lockbox.unlocked && head.due) await lockbox.guard(() => head.settle());
    return result;
  }

  #ended(batch: Batch): SealResult | undefined {
    const state = this.#box.batches.state(batch);
    const number = this.#box.batches.number(batch);
    return number !== null && (state === "sealed" || state === "aborted") ? { number, outcome: state } : undefined;
  }
}

interface Job {
  readonly batchDigest: string;
  readonly batch: Batch;
  readonly progress: { readonly done: number; readonly bytes: number };
  readonly listeners: Set<OnProgress>;
  readonly result: Promise<SealResult>;
}
