/** NOTHING-LOST: the working state anew from what is durable, the spool and the signer. */

import { nodeHost } from "../../host/crypto-host.ts";
import { verifyApproval, verifyPastAuthorization } from "../../manifests/records/authorization.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import type { SignerBatch } from "../client/signer-client.ts";
import { type BatchState, taken } from "./batch-state.ts";
import { endedKept } from "./book.ts";
import type { Parts } from "./parts.ts";
import { endedWithoutNumber, isOpen, unspooled } from "./recorded-batch.ts";
import { adopt, digestOf } from "./signer-steps.ts";
import { spooledState } from "./take-folder.ts";

const page = 200;

/** First half, without the signer: cleans the spool, and takes in its batches and what was answered. Refuses with STORE. */
export async function openSpool({ spool, answered, book, log }: Parts): Promise<void> {
  await spool.open();
  await answered.open((fault) => {
    if ((fault as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ err: fault }, "answered.json is lost: work is done again");
  });
  // The book keeps the newest of them.
  for (const answer of answered.answers) book.put(answeredState(answer));
  const odd = (name: string, fault: unknown) => log.error({ err: fault, name }, "a folder of the spool cannot be read");
  for (const facts of await spool.list(odd)) book.put(spooledState(facts));
}

/** Second half: joins it with what the signer knows. Safe to repeat. Refuses with UNREACHABLE. */
export async function joinSigner(parts: Parts): Promise<void> {
  let before: number | undefined;
  const listed: string[] = [];
  // Of several batches with one digest the newest counts; it comes first.
  const seen = new Set<string>();
  for (;;) {
    const records = await parts.signer.batches(page, before);
    for (const record of records) {
      if (seen.has(record.batchDigest)) continue;
      seen.add(record.batchDigest);
      if (await join(parts, record, listed.length < endedKept)) listed.push(record.batchDigest);
    }
    const last = records.at(-1)?.id;
    if (records.length < page || last === undefined) break;
    before = last;
  }
  // The oldest first, so that the next one that ends does not push out the newest.
  for (const id of listed.reverse()) {
    const state = parts.book.get(id);
    if (state?.phase.at === "ended") parts.book.put(state);
  }
  for (const state of parts.book.live) {
    await readApprovals(parts, state);
    await readApprovers(parts, state);
  }
  parts.book.setReady();
}

/** Whether it is an ended batch of the signer's that the book lists now. */
async function join(parts: Parts, record: SignerBatch, show: boolean): Promise<boolean> {
  const { book, spool } = parts;
  const known = book.liveByDigest(record.batchDigest) ?? book.get(record.batchDigest);
  if (!known && !isOpen(record) && !show) return false;
  // Of several batches with one digest the newest counts; it comes first.
  if (known && known.number !== null && known.phase.at === "ended") return true;
  // Refused, and so answered: that the signer's challenge for it stands makes nobody wait for it.
  if (known?.phase.at === "ended" && known.phase.as === "refused" && record.state === "challenged") return false;
  const state = known?.phase.at === "ended" || !known ? unspooled(record) : known;
  book.put(state);
  if (!state.spooled && !isOpen(record) && record.number === null) {
    book.put(endedWithoutNumber(state, record));
    return true;
  }
  const after = await adopt(parts, state.id, record);
  // Released, but killed before the copy was removed.
  if (after?.phase.at === "ended" && state.spooled) await spool.remove(record.batchDigest);
  return after?.phase.at === "ended";
}

function answeredState(answer: Parts["answered"]["answers"][number]): BatchState {
  const { folder, fingerprint, batchDigest, outcome, at } = answer;
  const id = batchDigest ?? `folder/${folder}`;
  const state = taken({
    id,
    folder,
    fingerprint,
    digest: batchDigest,
    spooled: false,
    about: null,
    since: Date.parse(at),
  });
  return { ...state, phase: { at: "ended", as: outcome }, refusal: answer.refusal };
}

/** Approvals survive restarts; one that no longer holds (another challenge, another policy) is removed. */
async function readApprovals({ book, spool, policies, log }: Parts, state: BatchState): Promise<void> {
  const { challenge } = state;
  const inForce = book.box?.policy.digest;
  if (!state.spooled || state.phase.at !== "approving" || !challenge || inForce === undefined) return;
  const { policy, digest, oids } = await policies.inForce(inForce);
  const context = { policy, policyDigest: digest, challenge, now: book.moment.utc };
  for (const [person, p7m] of await spool.approvals(digestOf(state))) {
    try {
      const { signed } = await verifyApproval(nodeHost, oids, p7m, context);
      book.apply(state.id, { type: "approved", approval: { person, signed } });
    } catch (fault) {
      const { code, message } = asRefusal(fault, "INTERNAL", "an approval cannot be read");
      log.warn({ code, folder: state.folder, person }, `an approval does not hold: ${message}`);
      await spool.removeApproval(digestOf(state), person);
    }
  }
}

/** Who approved what is authorised already: that counts in the signer alone, and the spool's copy is for people to see. */
async function readApprovers({ book, spool, policies, log }: Parts, state: BatchState): Promise<void> {
  const { challenge, phase, spooled } = state;
  if (!spooled || phase.at !== "sealing" || !challenge) return;
  try {
    const p7m = await spool.authorization(digestOf(state));
    if (p7m === undefined) return;
    const { policy, digest, oids } = await policies.inForce(challenge.policyDigest);
    const past = await verifyPastAuthorization(nodeHost, oids, p7m, { policy, policyDigest: digest });
    if (past.challenge.nonce !== challenge.nonce) return;
    const approvals = past.approvers.map(({ person, signed }) => ({ person, signed }));
    book.apply(state.id, { type: "approvers", approvals });
  } catch (fault) {
    const { code, message } = asRefusal(fault, "INTERNAL", "who approved cannot be read");
    log.warn({ code, folder: state.folder }, `who approved is not known: ${message}`);
  }
}
