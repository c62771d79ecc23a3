/** What the daemon brings to be sealed, of either kind, as the signer has received it and kept it in rows: not yet a batch. */

import { verifySigner } from "../../manifests/cms/verify.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type BatchHead, type BatchKind, batchIdOf } from "../../manifests/records/batch-head.ts";
import { type Submitter, verifyRequest } from "../../manifests/records/request-envelope.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Certificate } from "../../manifests/x509/certificate.ts";
import type { Box } from "./box.ts";
import { listComposition, listIdentity } from "./documents.ts";
import { receiveEnvelopes, type StagedEnvelopes } from "./staged-envelopes.ts";
import type { MostOfFile, StagedRequest, Staging } from "./staged-request.ts";
import { validUntil } from "./stored-request.ts";

/** By what a batch is known for ever, whatever the policy says today. */
export interface Known {
  readonly batchDigest: Uint8Array;
  readonly submitterKey: Uint8Array;
  readonly submitterName: string;
}

/** What today's policy makes of it. */
export interface Judged {
  readonly head: BatchHead;
  readonly submitter: Submitter;
  /** up to when the submitter's path holds */
  readonly until: Utc;
}

export interface Brought {
  readonly id: number;
  readonly fileDigest: Uint8Array;
  readonly count: number;
  readonly bytes: number;
  /** undefined: only a policy can say it */
  readonly head: BatchHead | undefined;
  /** Refuses with the code of what is wrong with form or signature. */
  known(): Promise<Known>;
  /** Refuses as `verifyRequest` or `EnvelopeBatch.judge`. */
  judge(at: Utc): Promise<Judged>;
}

/** Intake copies no larger batch.p7m. */
const mostFileBytes = 64 << 20;

/**
 * Receives what is brought. What the policy in force takes is judged after SEAL-ONCE: an earlier one may have taken more. Refuses as
 * `Staging.receive` and `receiveEnvelopes`; then nothing is left.
 */
export async function receive(
  box: Box,
  staging: Staging,
  { kind, body }: { readonly kind?: BatchKind | undefined; readonly body: AsyncIterable<Uint8Array> },
): Promise<Brought> {
  const documents = box.policies.mostDocuments;
  if (kind === "plain-envelopes") {
    const most: MostOfFile = { bytes: documents * 16 * 1024 + 512 * 1024, documents };
    return broughtEnvelopes(box, await receiveEnvelopes(staging, box, body, most));
  }
  // An entry of the list has at most 2 KiB; the envelope adds its certificates.
  const most: MostOfFile = { bytes: Math.min(mostFileBytes, documents * 2048 + 512 * 1024), documents };
  return broughtRequest(box, await staging.receive(body, most));
}

/** SEAL-ONCE identity of what is known. */
export function identityOf(box: Box, { id, head }: Brought, { submitterKey }: Known): Promise<Uint8Array> {
  return listIdentity(box.host, box.db, id, hex(submitterKey), head ? batchIdOf(head) : "");
}

function broughtRequest(box: Box, staged: StagedRequest): Brought {
  const { id, fileDigest, count, bytes, head } = staged;
  const envelope = { ...staged.envelope, contentDigest: staged.contentDigest };
  return {
    ...{ id, fileDigest, count, bytes, head },
    known: async () => {
      const { spki, subjectText } = await signerOf(box, staged);
      const submitterKey = await box.host.digest("sha256", spki);
      return { batchDigest: await staged.contentDigest("sha256"), submitterKey, submitterName: subjectText };
    },
    judge: async (at) => {
      const { policy } = box.policies.inForce;
      const { submitter, path } = await verifyRequest(box.host, box.policies.oids, envelope, { policy, now: at });
      return { head, submitter, until: validUntil(path) };
    },
  };
}

function broughtEnvelopes(box: Box, { envelopes, ...staged }: StagedEnvelopes): Brought {
  return {
    ...staged,
    head: undefined,
    known: async () => {
      const { keySha256Hex, name } = await envelopes.submitter();
      const batchDigest = await listComposition(box.host, box.db, staged.id, keySha256Hex);
      return { batchDigest, submitterKey: Uint8Array.fromHex(keySha256Hex), submitterName: name };
    },
    judge: async (at) => {
      const judged = await envelopes.judge(box.policies.oids, box.policies.inForce.policy, at);
      return { head: judged.head, submitter: judged.submitter, until: validUntil(judged.path) };
    },
  };
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
