/** A request in the store before it is sealed: still what was signed, approved and journalled, and what verifiers will take. */

import { verifySigner } from "../../manifests/cms/verify.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type BatchHead, batchIdOf } from "../../manifests/records/batch-head.ts";
import {
  checkListedDocument,
  checkRequestAgainstPolicy,
  verifyRequest,
} from "../../manifests/records/request-envelope.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Certificate } from "../../manifests/x509/certificate.ts";
import type { Batch, OpenChallenge } from "./batches.ts";
import type { Box } from "./box.ts";
import { earliest } from "./clock.ts";
import { checkRows, largest, listIdentity } from "./documents.ts";
import { storedEnvelope, storedFile } from "./staged-request.ts";
import { digestEnvelopes, firstSigner, verifyStoredEnvelopes } from "./stored-envelopes.ts";

/**
 * Requires that the rows of a batch are those of the challenge that the operators approved and of what the journal says
 * of it: request, list, sums, identity, the submitter's file, and who signed that. Refuses with CHAIN.
 */
export async function checkStoredBatch(box: Box, batch: Batch, { challenge }: OpenChallenge): Promise<void> {
  await checkRows(box.host, box.db, batch);
  const told = journalled(box, challenge.nonce);
  const { count, bytes } = box.db
    .prepare<[number], { count: number; bytes: number }>(
      "SELECT count(*) AS count, coalesce(sum(size), 0) AS bytes FROM documents WHERE request = ?",
    )
    .get(batch.id) as { count: number; bytes: number };
  const identity = await listIdentity(box.host, box.db, batch.id, hex(batch.submitterKey), batchIdOf(batch.head));
  same(batch, [
    ["batch digest", challenge.batchDigest, hex(batch.batchDigest)],
    ["mode", challenge.mode, batch.head.mode],
    ["count", challenge.count, batch.count],
    ["length of the list", challenge.count, count],
    ["sum of sizes", challenge.bytes, batch.bytes],
    ["sum of the list", challenge.bytes, bytes],
    ["identity", told.identity, hex(batch.identity)],
    ["identity of the list", told.identity, hex(identity)],
    ["submitter's key", told.submitter, hex(batch.submitterKey)],
    ["digest of the request's file", told.file, hex(batch.fileDigest)],
    ["request's file", told.file, hex(await fileDigest(box, batch))],
  ]);
  const { der, subjectText } = await submitterOf(box, batch);
  same(batch, [
    ["submitter's certificate", hex(der), hex(batch.submitterCertificate)],
    ["submitter's name", subjectText, batch.submitterName],
  ]);
}

/**
 * Up to when the submitter's path holds under the policy in force, which must take the batch at `at`. Refuses what `verifyRequest`
 * or `EnvelopeBatch.judge`, `checkRequestAgainstPolicy` and `checkListedDocument` refuse.
 */
export async function checkStoredRequest(box: Box, batch: Batch, at: Utc): Promise<Utc> {
  const { policy } = box.policies.inForce;
  const { head, until } = await judgeStored(box, batch, at);
  checkRequestAgainstPolicy(head, policy, batch.count, batch.bytes, at);
  checkListedDocument(largest(box.db, batch.id), policy);
  return until;
}

async function judgeStored(
  box: Box,
  batch: Batch,
  at: Utc,
): Promise<{ readonly head: BatchHead; readonly until: Utc }> {
  const { policy } = box.policies.inForce;
  if (batch.head.type === "plain-envelopes") {
    const envelopes = await verifyStoredEnvelopes(box.host, box.db, batch);
    const { head, path } = await envelopes.judge(box.policies.oids, policy, at);
    // How old an envelope may be is for the policy in force to say, not for the one that it came under.
    return { head, until: earliest(validUntil(path), head.expires) };
  }
  const { envelope, contentDigest } = storedEnvelope(box.db, box.host, batch.id);
  const judged = { policy, now: at };
  const { path } = await verifyRequest(box.host, box.policies.oids, { ...envelope, contentDigest }, judged);
  return { head: batch.head, until: validUntil(path) };
}

/** Up to when every certificate of a path is valid. */
export function validUntil(path: readonly Certificate[]): Utc {
  const [leaf, ...issuers] = path.map(({ notAfter }) => notAfter);
  return earliest(leaf as Utc, ...issuers);
}

/** What the journal said of a batch when it got the challenge of that nonce. */
function journalled(box: Box, nonce: string): Told {
  const record = box.db
    .prepare<[string], string>(
      "SELECT record FROM journal WHERE kind = 'challenge' AND json_extract(record, '$.challenge.nonce') = ?",
    )
    .pluck()
    .get(nonce);
  if (!record) throw new Refusal("CHAIN", "the journal does not know the challenge", { about: nonce });
  return JSON.parse(record) as Told;
}

interface Told {
  readonly file: string;
  readonly identity: string;
  readonly submitter: string;
}

async function fileDigest(box: Box, batch: Batch): Promise<Uint8Array> {
  if (batch.head.type === "plain-envelopes") return digestEnvelopes(box.host, box.db, batch.id);
  const hasher = box.host.hasher("sha256");
  for (const part of storedFile(box.db, batch.id)) {
    hasher.update(part);
    await new Promise(setImmediate);
  }
  return hasher.digest();
}

async function submitterOf(box: Box, batch: Batch): Promise<Certificate> {
  if (batch.head.type === "plain-envelopes") {
    return firstSigner(box.host, box.db, batch);
  }
  const { envelope, contentDigest } = storedEnvelope(box.db, box.host, batch.id);
  const [signer] = envelope.signers;
  if (!signer) throw new Refusal("CHAIN", "nobody signed the stored request", { about: hex(batch.batchDigest) });
  return (await verifySigner(box.host, signer, { ...envelope, contentDigest })).certificate;
}

function same(batch: Batch, pairs: readonly (readonly [string, string | number, string | number])[]): void {
  for (const [what, expected, got] of pairs) {
    if (expected === got) continue;
    throw new Refusal("CHAIN", `the stored ${what} is not what was approved`, {
      about: hex(batch.batchDigest),
      expected: `${expected}`.slice(0, 80),
      got: `${got}`.slice(0, 80),
    });
  }
}
