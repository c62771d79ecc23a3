/** What people decide about a batch, checked early; the signer judges it again and trusts nothing of this. After its end: BATCH-ENDED. */

import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { verifyAllSigners, verifyApproval, verifyDissent } from "../../manifests/records/authorization.ts";
import type { DissentType } from "../../manifests/records/decision.ts";
import { tallyPartial } from "../../manifests/records/tally.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BatchState, EndState } from "./batch-state.ts";
import type { Parts } from "./parts.ts";
import { digestOf } from "./signer-steps.ts";

/**
 * Takes one person's approval; durable on return. The same person again changes nothing. Refuses as `verifyApproval`
 * does, PERSON-TWICE for a key or certificate that counted already, BATCH-STATE, and BATCH-ENDED.
 */
export async function approve(parts: Parts, state: BatchState, p7m: Uint8Array): Promise<void> {
  const { book, spool, log } = parts;
  const { oids, ...context } = await contextOf(parts, state, ["approving"], "approved");
  if (!state.spooled) {
    throw new Refusal("BATCH-STATE", "the box has lost its copy of the batch: bring it again", { about: state.folder });
  }
  const approver = await verifyApproval(nodeHost, oids, p7m, context);
  const digest = digestOf(state);
  const { person, signed } = approver;
  if (state.approvals.some((one) => one.person === person)) return;
  // One of the same person that nobody counts could not be made durable: this one takes its place.
  const others = [...(await spool.approvals(digest))].filter(([of]) => of !== person).map(([, one]) => one);
  const all = [...others, p7m].map((one) => readSignedData(one));
  const { minimumRsaBits } = context.policy.limits;
  const signers = (await Promise.all(all.map((one) => verifyAllSigners(nodeHost, one, minimumRsaBits)))).flat();
  tallyPartial({ ...context, signers, role: "operator" });
  await spool.keepApproval(digest, person, p7m);
  log.info({ folder: state.folder, person }, "approved");
  book.apply(state.id, { type: "approved", approval: { person, signed } });
}

/** Takes back one person's own approval: journalled, then removed. Refuses BATCH-STATE when that person gave none. */
export async function withdraw(parts: Parts, state: BatchState, p7m: Uint8Array): Promise<void> {
  const { book, signer, spool, log } = parts;
  const { approver, reason } = await dissent(parts, state, "withdrawal", ["approving"], p7m);
  const { person, certificateSha256 } = approver;
  if (!state.approvals.some((one) => one.person === person)) {
    throw new Refusal("BATCH-STATE", `${person} has not approved this batch`, {
      expected: "an approval of that person",
    });
  }
  const batchDigest = digestOf(state);
  await signer.note("withdrawal", { batchDigest, certificate: certificateSha256, person, reason });
  await spool.removeApproval(batchDigest, person);
  log.info({ folder: state.folder, person }, "approval withdrawn");
  book.apply(state.id, { type: "withdrew", person });
}

/** Ends a batch before it is authorised or sealed; one person suffices. */
export async function reject(parts: Parts, state: BatchState, p7m: Uint8Array): Promise<void> {
  const { approver } = await dissent(parts, state, "rejection", ["approving", "authorizing", "sealing"], p7m);
  await parts.signer.reject(digestOf(state), p7m);
  parts.log.info({ code: "REJECTED", folder: state.folder, person: approver.person }, "rejected");
  parts.book.apply(state.id, { type: "rejected" });
}

/** Stops an authorised batch, between two documents where it is being sealed. */
export async function abort(parts: Parts, state: BatchState, p7m: Uint8Array): Promise<void> {
  const { approver } = await dissent(parts, state, "abort", ["approving", "authorizing", "sealing"], p7m);
  const { state: after, number } = await parts.signer.abort(digestOf(state), p7m);
  parts.log.info({ code: "ABORTED", folder: state.folder, person: approver.person, number }, "abort ordered");
  if (after === "aborted") parts.book.apply(state.id, { type: "aborted", number });
}

/** Nothing can be decided about it any more. */
export function ended(folder: string, as: EndState): Refusal {
  return new Refusal("BATCH-ENDED", `the batch has ended: it was ${as}`, { about: folder });
}

async function dissent(
  parts: Parts,
  state: BatchState,
  type: DissentType,
  phases: readonly BatchState["phase"]["at"][],
  p7m: Uint8Array,
) {
  const { oids, ...context } = await contextOf(parts, state, phases, "stopped");
  return verifyDissent(nodeHost, oids, p7m, type, context);
}

async function contextOf(
  { book, policies }: Parts,
  { challenge, phase, folder }: BatchState,
  phases: readonly BatchState["phase"]["at"][],
  what: string,
) {
  if (phase.at === "ended") throw ended(folder, phase.as);
  if (!challenge || !phases.includes(phase.at)) {
    const expected = phases.join(" or ");
    throw new Refusal("BATCH-STATE", `the batch can not be ${what} now`, { expected, got: phase.at, about: folder });
  }
  if (!book.box) throw new Refusal("UNREACHABLE", "the signer does not answer");
  const { policy, digest, oids } = await policies.inForce(book.box.policy.digest);
  return { policy, policyDigest: digest, oids, challenge, now: book.moment.utc };
}
