/** The steps of a batch that the signer decides: submit, authorize, seal; and asking it what it knows already. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { mergeSignedData } from "../../manifests/cms/write.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { BatchKind } from "../../manifests/records/batch-head.ts";
import { type Challenge, readChallenge } from "../../manifests/records/decision.ts";
import { approvalsNeeded } from "../../manifests/records/emergency.ts";
import { Refusal, type RefusalCode } from "../../manifests/refusal.ts";
import type { SignerBatch } from "../client/signer-client.ts";
import type { BatchState } from "./batch-state.ts";
import type { Parts } from "./parts.ts";

/** Hands the request over; the answer is a challenge, which may be a new one, or the number of the first receipt. */
export async function submitBatch(parts: Parts, state: BatchState): Promise<void> {
  const { book, signer, spool, log } = parts;
  const digest = digestOf(state);
  const submitted = await signer.submit(
    state.folder,
    kindOf(state),
    reportedOf(parts, state),
    spool.request(digest, kindOf(state)),
  );
  if (submitted.batchDigest !== digest) {
    throw new Refusal("SAME-BYTES", "intake and signer computed different batch digests", {
      expected: digest,
      got: submitted.batchDigest,
    });
  }
  if (submitted.outcome === "already" && submitted.number !== undefined) {
    log.info({ code: "SEAL-ONCE", folder: state.folder, number: submitted.number }, "was sealed before");
    book.apply(state.id, { type: "already", number: submitted.number });
    return;
  }
  if (submitted.state !== "challenged" || submitted.challenge === undefined) return refresh(parts, state);
  const challenge = readChallenge(utf8(submitted.challenge));
  const needed = await neededFor(parts, challenge);
  if (state.challenge && state.challenge.nonce !== challenge.nonce) {
    await spool.removeApprovals(digest);
    log.info(
      { folder: state.folder, approvals: state.approvals.length },
      "a new challenge: approvals must be given again",
    );
  }
  book.apply(state.id, { type: "challenged", challenge, needed });
}

/** Merges the approvals and hands them over; from then on the batch is authorised, whatever becomes of the daemon. */
export async function authorizeBatch(parts: Parts, state: BatchState): Promise<void> {
  const { book, signer, spool, log } = parts;
  const digest = digestOf(state);
  const approvals = await spool.approvals(digest);
  const authorization = mergeSignedData([...approvals.values()].map((p7m) => readSignedData(p7m)));
  await spool.keepAuthorization(digest, authorization);
  await signer.authorize(digest, authorization);
  log.info({ code: "QUORUM", folder: state.folder, approvers: [...approvals.keys()] }, "authorised");
  book.apply(state.id, { type: "authorized" });
}

/** Seals, or goes on sealing. Resolves when the manifest stands. */
export async function sealBatch({ book, signer, verifiers, log }: Parts, state: BatchState): Promise<void> {
  const digest = digestOf(state);
  verifiers.ready(state.about?.count ?? 0);
  const ofBytes = state.about?.bytes ?? 0;
  let last = 0;
  log.info({ folder: state.folder }, "sealing");
  try {
    const sealed = await signer.seal(digest, ({ done, count, bytes }) => {
      if (last++ === 0) book.apply(state.id, { type: "begun" });
      book.setWork(state.id, { documents: done, of: count, bytes, ofBytes });
    });
    log.info({ folder: state.folder, number: sealed.number }, sealed.outcome);
    book.apply(state.id, { type: "sealed", ...sealed });
  } finally {
    book.setWork(state.id, undefined);
  }
}

/** Asks the signer where the batch is. Refuses with BATCH-UNKNOWN, UNREACHABLE. */
export async function refresh(parts: Parts, state: BatchState): Promise<void> {
  await adopt(parts, state.id, await parts.signer.batch(digestOf(state)));
}

/** Takes over what the signer says of a batch. */
export async function adopt(parts: Parts, id: string, record: SignerBatch): Promise<BatchState | undefined> {
  const challenge = readChallenge(utf8(record.challenge));
  return parts.book.apply(id, { type: "known", record, challenge, needed: await neededFor(parts, challenge) });
}

/** Refusals that say the daemon's idea of the batch is old. */
export function isOldIdea(code: RefusalCode): boolean {
  return code === "BATCH-STATE" || code === "NONCE-USED";
}

export function digestOf({ digest, folder }: BatchState): string {
  if (digest === null) throw new Refusal("BATCH-STATE", "a batch without digest", { about: folder });
  return digest;
}

/** What kind a batch is that is in the spool. */
export function kindOf({ about }: BatchState): BatchKind {
  return about?.kind ?? "signed-request";
}

/** HONEST: what only the daemon knows of a batch, for the record. */
export function reportedOf({ sticks }: Parts, { fingerprint, since }: BatchState): Json {
  return { fingerprint, media: sticks ? "stick" : "folder", taken: new Date(since).toISOString() };
}

async function neededFor({ book, policies }: Parts, { mode }: Challenge): Promise<number> {
  const digest = book.box?.policy.digest;
  if (digest === undefined) throw new Refusal("UNREACHABLE", "the signer does not answer");
  return approvalsNeeded((await policies.inForce(digest)).policy, mode);
}
