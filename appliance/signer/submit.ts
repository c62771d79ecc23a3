/** A request is checked anew from the submitter's own file; what the daemon says of it counts for nothing (QUORUM). */

import { verifySigner } from "../../manifests/cms/verify.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { RequestHead } from "../../manifests/records/request.ts";
import {
  checkListedDocument,
  checkRequestAgainstPolicy,
  verifyRequest,
} from "../../manifests/records/request-envelope.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Certificate } from "../../manifests/x509/certificate.ts";
import { lapsedChallenge } from "./authorize.ts";
import type { Batch, BatchState, OpenChallenge } from "./batches.ts";
import { type Box, checkSound, now } from "./box.ts";
import { isOpen, issueChallenge } from "./challenge.ts";
import { largest, listIdentity } from "./documents.ts";
import { checkCarried } from "./manifest.ts";
import type { Reported } from "./reported.ts";
import type { MostOfFile, StagedRequest, Staging } from "./staged-request.ts";
import { checkStoredRequest, validUntil } from "./stored-request.ts";

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
  readonly reported: Reported;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A batch that was sealed before, as the request brought now describes it. */
export interface SealedBefore {
  readonly number: number;
  readonly batchDigest: string;
  readonly head: RequestHead;
  readonly count: number;
  readonly bytes: number;
  readonly submitterName: string;
}

/**
 * Intake copies no larger batch.p7m. What the policy in force takes is judged after SEAL-ONCE: an earlier one may have
 * taken more.
 */
const mostFileBytes = 64 << 20;

/**
 * Takes a batch: form, submitter's signature, SEAL-ONCE, submitter's path, policy, then a challenge. Request, list and
 * challenge are durable on return. The same batch again gets its open challenge, a new one where that expired, the
 * policy changed or its authorisation holds no more, or the number of the manifest that sealed it. Refuses with the code of the first check that fails.
 */
export async function submit(box: Box, staging: Staging, submission: Submission): Promise<Submitted> {
  checkSound(box);
  const staged = await staging.receive(submission.body, mostOfFile(box));
  try {
    const { batchDigest, identity, submitterKey, number } = await recognise(box, staged);
    if (number !== undefined) return already(box, batchDigest, number, submission.folder);

    const { policy } = box.policies.inForce;
    const at = now(box);
    const envelope = { ...staged.envelope, contentDigest: staged.contentDigest };
    const { submitter, path } = await verifyRequest(box.host, box.policies.oids, envelope, { policy, now: at });
    checkRequestAgainstPolicy(staged.head, policy, staged.count, staged.bytes, at);
    checkListedDocument(largest(box.db, staged.id), policy);
    checkCarried(submitter.name, submission.reported);
    const found = {
      batchDigest,
      identity,
      submitterKey,
      submitterName: submitter.name,
      submitterCertificate: submitter.certificate.der,
    };
    const terms = await termsOf(box, found, path);
    return box.db.transaction(() => accept(box, staged, found, submission, terms))();
  } finally {
    if (!accepted(box, staged)) staging.discard(staged.id);
  }
}

/**
 * SEAL-ONCE alone, for a request that intake refused: the manifest that sealed it, whatever its expiry, the policy in
 * force and the submitter's path are worth today. Undefined when none did. Nothing of the request is kept. Refuses with
 * the code of what is wrong with its form or signature.
 */
export async function findSealed(
  box: Box,
  staging: Staging,
  { folder, body }: Omit<Submission, "reported">,
): Promise<SealedBefore | undefined> {
  checkSound(box);
  const staged = await staging.receive(body, mostOfFile(box));
  try {
    const { batchDigest, number, submitterName } = await recognise(box, staged);
    if (number === undefined) return undefined;
    const { head, count, bytes } = staged;
    return { ...already(box, batchDigest, number, folder), head, count, bytes, submitterName };
  } finally {
    staging.discard(staged.id);
  }
}

/** An entry of the list has at most 2 KiB; the envelope adds its certificates. */
function mostOfFile({ policies }: Box): MostOfFile {
  const documents = policies.mostDocuments;
  return { bytes: Math.min(mostFileBytes, documents * 2048 + 512 * 1024), documents };
}

/** Who signed a request, by which digest and identity it is known, and the manifest that sealed it if one did. */
async function recognise(box: Box, staged: StagedRequest) {
  const batchDigest = await staged.contentDigest("sha256");
  const { spki, subjectText } = await signerOf(box, staged);
  const submitterKey = await box.host.digest("sha256", spki);
  const identity = await listIdentity(box.host, box.db, staged.id, hex(submitterKey), staged.head.batch);
  const number = box.batches.sealedAs(identity);
  return { batchDigest, identity, submitterKey, submitterName: subjectText, number };
}

type Found = Pick<Batch, "batchDigest" | "identity" | "submitterKey" | "submitterName" | "submitterCertificate">;

/** What a new challenge must heed, and which one can be used no more. */
interface Terms {
  /** the end of the submitter's path */
  readonly until: Utc;
  readonly lapsed: number | undefined;
}

/** Of a batch that is open already its own file counts, not the one brought now, which may carry other certificates. */
async function termsOf(box: Box, found: Found, path: readonly Certificate[]): Promise<Terms> {
  const known = box.batches.findNewest(found.batchDigest);
  const state = known && hex(known.submitterKey) === hex(found.submitterKey) && box.batches.state(known);
  if (!known || (state !== "challenged" && state !== "authorized")) {
    return { until: validUntil(path), lapsed: undefined };
  }
  return {
    until: validUntil(await checkStoredRequest(box, known, now(box))),
    lapsed: await lapsedChallenge(box, known),
  };
}

/** In one transaction: the batch as it is known, or a new one; with a challenge that is open. */
function accept(box: Box, staged: StagedRequest, found: Found, submission: Submission, terms: Terms): Submitted {
  checkSound(box);
  const known = box.batches.findNewest(found.batchDigest);
  if (!known || hex(known.submitterKey) !== hex(found.submitterKey)) {
    if (known) checkEnded(known, box.batches.state(known));
    const batch = insert(box, staged, found, submission);
    return { outcome: "challenge", batch, challenge: issueChallenge(box, batch, terms.until), state: "challenged" };
  }
  const state = box.batches.state(known);
  if (state === "rejected" || state === "aborted") {
    throw new Refusal("BATCH-ENDED", `this batch was ${state}`, { about: hex(found.batchDigest) });
  }
  const challenge = box.batches.challenge(known);
  const open = isOpen(challenge.challenge, box.policies.inForce.digest, now(box)) && challenge.id !== terms.lapsed;
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

function insert(box: Box, staged: StagedRequest, found: Found, { folder, reported }: Submission): Batch {
  const batch: Batch = {
    ...found,
    id: staged.id,
    head: staged.head,
    count: staged.count,
    bytes: staged.bytes,
    fileDigest: staged.fileDigest,
    folder,
    submitted: now(box),
  };
  box.db
    .prepare(
      `INSERT INTO requests (id, batch_digest, submitter_key, identity, head, count, bytes, file_digest, submitter_name,
        submitter_certificate, folder, reported, submitted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    );
  return batch;
}

function already(box: Box, digest: Uint8Array, number: number, folder: string): Submitted & { outcome: "already" } {
  const batchDigest = hex(digest);
  box.record("already", { batchDigest, folder, number });
  return { outcome: "already", batchDigest, number };
}

function accepted(box: Box, staged: StagedRequest): boolean {
  return box.db.prepare("SELECT 1 FROM requests WHERE id = ?").get(staged.id) !== undefined;
}

/** The certificate that signed the request, whatever its path is worth: a sealed batch stays known for ever. */
async function signerOf(box: Box, staged: StagedRequest): Promise<Certificate> {
  const { envelope, contentDigest } = staged;
  const [signer, second] = envelope.signers;
  if (!signer || second)
    throw new Refusal("CMS-SIGNERS", "a batch has one submitter", { got: `${envelope.signers.length}` });
  const { certificate } = await verifySigner(box.host, signer, { ...envelope, contentDigest });
  return certificate;
}
