/** A request is checked anew from the submitter's own file; what the daemon says of it counts for nothing (QUORUM). */

import { hex } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { BatchHead, BatchKind } from "../../manifests/records/batch-head.ts";
import { checkListedDocument, checkRequestAgainstPolicy } from "../../manifests/records/request-envelope.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { lapsedChallenge } from "./authorize.ts";
import type { Batch, BatchState, OpenChallenge } from "./batches.ts";
import { type Box, checkSound, now } from "./box.ts";
import { type Brought, identityOf, receive } from "./brought.ts";
import { isOpen, issueChallenge } from "./challenge.ts";
import { largest } from "./documents.ts";
import { checkCarried } from "./manifest.ts";
import { checkReceipt, pastManifest, pastPlainHead } from "./past.ts";
import type { Reported } from "./reported.ts";
import { sealedAs } from "./reseal.ts";
import type { Staging } from "./staged-request.ts";
import { checkStoredRequest } from "./stored-request.ts";

export type Submitted =
  | {
      readonly outcome: "challenge";
      readonly batch: Batch;
      readonly challenge: OpenChallenge;
      readonly state: BatchState;
    }
  | { readonly outcome: "already"; readonly batchDigest: string; readonly number: number };

export interface Submission {
  readonly folder: string;
  /** a signed request unless said */
  readonly kind?: BatchKind | undefined;
  readonly reported: Reported;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A batch that was sealed before, as the request brought now describes it. */
export interface SealedBefore {
  readonly number: number;
  readonly batchDigest: string;
  readonly head: BatchHead;
  readonly count: number;
  readonly bytes: number;
  readonly submitterName: string;
}

/**
 * Takes a batch: form, submitter's signatures, SEAL-ONCE, submitter's path, policy, then a challenge. Request, list and
 * challenge are durable on return. The same batch again gets its open challenge, a new one where that expired, the
 * policy changed or its authorisation holds no more, or the number of the manifest that sealed it. Plain envelopes that ended or grew
 * too old and were signed anew are a new batch. Refuses with the code of the first check that fails.
 */
export async function submit(box: Box, staging: Staging, submission: Submission): Promise<Submitted> {
  checkSound(box);
  const brought = await receive(box, staging, submission);
  try {
    const { known, identity, number } = await recognise(box, brought);
    if (number !== undefined) {
      checkReceipt(box.db, number);
      return already(box, known.batchDigest, number, submission.folder);
    }

    const { policy } = box.policies.inForce;
    const at = now(box);
    const { head, submitter, until } = await brought.judge(at);
    checkRequestAgainstPolicy(head, policy, brought.count, brought.bytes, at);
    checkListedDocument(largest(box.db, brought.id), policy);
    checkCarried(submitter.name, submission.reported);
    const found: Found = {
      batchDigest: known.batchDigest,
      identity,
      head,
      submitterKey: known.submitterKey,
      submitterName: submitter.name,
      submitterCertificate: submitter.certificate.der,
    };
    const terms = await termsOf(box, found, until);
    return box.db.transaction(() => accept(box, brought, found, submission, terms))();
  } finally {
    if (!accepted(box, brought)) staging.discard(brought.id);
  }
}

/**
 * SEAL-ONCE alone, for a batch that intake refused: the manifest that sealed it, whatever its expiry, the policy in
 * force and the submitter's path are worth today. Undefined when none did. Nothing of the request is kept. Refuses with
 * the code of what is wrong with its form or signature.
 */
export async function findSealed(
  box: Box,
  staging: Staging,
  { folder, kind, body }: Omit<Submission, "reported">,
): Promise<SealedBefore | undefined> {
  checkSound(box);
  const brought = await receive(box, staging, { kind, body });
  try {
    const { known, number } = await recognise(box, brought);
    if (number === undefined || pastManifest(box.db, number)?.whole === false) return undefined;
    const { count, bytes } = brought;
    const head = brought.head ?? pastPlainHead(box.db, number) ?? box.batches.sealedUnder(number).head;
    return {
      ...already(box, known.batchDigest, number, folder),
      head,
      count,
      bytes,
      submitterName: known.submitterName,
    };
  } finally {
    staging.discard(brought.id);
  }
}

/** Who signed, by which digest and identity it is known, and the manifest that sealed it if one did. */
async function recognise(box: Box, brought: Brought) {
  const known = await brought.known();
  const identity = await identityOf(box, brought, known);
  return { known, identity, number: sealedAs(box, identity) };
}

type Found = Pick<
  Batch,
  "batchDigest" | "identity" | "head" | "submitterKey" | "submitterName" | "submitterCertificate"
>;

/** What a new challenge must heed, and which one can be used no more. */
interface Terms {
  /** the end of the submitter's path */
  readonly until: Utc;
  readonly lapsed: number | undefined;
}

/** Of a batch that is open already its own file counts, not the one brought now, which may carry other certificates. */
async function termsOf(box: Box, found: Found, until: Utc): Promise<Terms> {
  const known = box.batches.findNewest(found.batchDigest);
  const state = known && hex(known.submitterKey) === hex(found.submitterKey) && box.batches.state(known);
  const open = state === "challenged" || state === "authorized";
  if (!known || !open || isSignedAnew(box, found, known)) return { until, lapsed: undefined };
  return {
    until: await checkStoredRequest(box, known, now(box)),
    lapsed: await lapsedChallenge(box, known),
  };
}

/**
 * Plain envelopes have no id that a new batch could differ by: over the same contents they are a new batch when the one before
 * ended or is too old, and all were signed later than its oldest.
 */
function isSignedAnew(box: Box, found: Found, known: Batch): boolean {
  if (found.head.type !== "plain-envelopes" || found.head.expires <= known.head.expires) return false;
  const state = box.batches.state(known);
  if (state === "rejected" || state === "aborted") return true;
  return (state === "challenged" || state === "authorized") && known.head.expires < now(box);
}

/** In one transaction: the batch as it is known, or a new one; with a challenge that is open. */
function accept(box: Box, brought: Brought, found: Found, submission: Submission, terms: Terms): Submitted {
  checkSound(box);
  const number = sealedAs(box, found.identity);
  if (number !== undefined) return already(box, found.batchDigest, number, submission.folder);
  const known = box.batches.findNewest(found.batchDigest);
  const other = known && hex(known.submitterKey) !== hex(found.submitterKey);
  // Sealed, and on a re-sealing list: it begins anew.
  const again = known !== undefined && box.batches.state(known) === "sealed";
  if (!known || other || again || isSignedAnew(box, found, known)) {
    if (other) checkEnded(known, box.batches.state(known));
    const batch = insert(box, brought, found, submission);
    return { outcome: "challenge", batch, challenge: issueChallenge(box, batch, terms.until), state: "challenged" };
  }
  const state = box.batches.state(known);
  if (state === "rejected" || state === "aborted") {
    throw new Refusal("BATCH-ENDED", `this batch was ${state}`, { about: hex(found.batchDigest) });
  }
  const challenge = box.batches.challenge(known);
  const open = isOpen(box, challenge.challenge, now(box)) && challenge.id !== terms.lapsed;
  const usable = state === "sealing" || open;
  if (usable) return { outcome: "challenge", batch: known, challenge, state };
  return {
    outcome: "challenge",
    batch: known,
    challenge: issueChallenge(box, known, terms.until),
    state: "challenged",
  };
}

/** Equal requests of two submitters are two batches; one digest names one open batch at a time. */
function checkEnded(known: Batch, state: BatchState): void {
  if (state === "sealed" || state === "aborted" || state === "rejected") return;
  throw new Refusal("BATCH-STATE", "another submitter's batch of the same request is still open", {
    about: hex(known.batchDigest),
  });
}

function insert(box: Box, brought: Brought, found: Found, { folder, reported }: Submission): Batch {
  const batch: Batch = {
    ...found,
    id: brought.id,
    count: brought.count,
    bytes: brought.bytes,
    fileDigest: brought.fileDigest,
    folder,
    submitted: now(box),
  };
  box.db
    .prepare(
      `INSERT INTO requests (id, batch_digest, submitter_key, identity, head, count, bytes, file_digest, submitter_name,
        submitter_certificate, folder, reported, submitted, round)
       SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, count(*) FROM requests WHERE identity = ?`,
    )
    .run(
      batch.id,
      batch.batchDigest,
      batch.submitterKey,
      batch.identity,
      canonical(batch.head as Json),
      batch.count,
      batch.bytes,
      batch.fileDigest,
      batch.submitterName,
      batch.submitterCertificate,
      folder,
      canonical(reported),
      batch.submitted,
      batch.identity,
    );
  return batch;
}

function already(box: Box, digest: Uint8Array, number: number, folder: string): Submitted & { outcome: "already" } {
  const batchDigest = hex(digest);
  box.record("already", { batchDigest, folder, number });
  return { outcome: "already", batchDigest, number };
}

function accepted(box: Box, { id }: Brought): boolean {
  return box.db.prepare("SELECT 1 FROM requests WHERE id = ?").get(id) !== undefined;
}
