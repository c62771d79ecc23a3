/** From a folder of the inbox to a batch in the spool, or to a refusal. */

import { existsSync } from "node:fs";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, type Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { answerPath } from "./answer-folder.ts";
import { taken } from "./batch-state.ts";
import { EarlySync } from "./early-sync.ts";
import {
  type FolderState,
  isTriedAgain,
  looked,
  nextToTake,
  type TakeEnd,
  taking,
  tookEnd,
  type UnreadEntries,
} from "./inbox-state.ts";
import type { TakenBatch } from "./intake-client.ts";
import type { Parts } from "./parts.ts";
import { answerWithReceipt, sealedBefore } from "./sealed-before.ts";
import type { IntakeFacts } from "./spool.ts";
import { leftOutWords } from "./stick-words.ts";

/** Looks at the stick once. A stick that cannot be read shows as an empty inbox. Refuses as intake's `scan`. */
export async function lookAtInbox(parts: Parts, unread: UnreadEntries): Promise<void> {
  const { book, settings, log } = parts;
  if (!existsSync(settings.media.in)) {
    parts.intake.rest();
    // A stick that was read and put away is still plugged in.
    if (parts.sticks?.has("in") !== true) book.setLeftOut([]);
    return book.setInbox((inbox) => looked(inbox, [], book.now));
  }
  const seen = await parts.intake.scan(settings.media.in).catch((fault) => {
    const refusal = asRefusal(fault, "INTERNAL", "a fault while the inbox was looked at");
    if (!parts.stop.aborted) book.setLeftOut(leftOutWords(refusal.toRecord()));
    throw refusal;
  });
  const leftOut = leftOutWords(seen);
  if (book.setLeftOut(leftOut)) for (const words of leftOut) log.warn({ code: "MEDIA-LIMIT" }, words);
  const fresh = seen.batches.filter(({ folder, fingerprint }) => !isKnown(parts, folder, fingerprint));
  book.setInbox((inbox) => looked(inbox, fresh, book.now));
  for (const { name, refusal } of unread.refusable(seen.odd)) {
    const fingerprint = hex(sha256(utf8(`${refusal.code} ${name}`)));
    const folder = shown(name).slice(0, 64);
    if (isKnown(parts, folder, fingerprint)) continue;
    // The box has its own copy: that its folder cannot be read any more is no matter of the batch.
    if (refusal.code === "MEDIA-READ" && book.live.some((one) => one.folder === folder)) continue;
    log.warn({ code: refusal.code, folder }, "refused what stands in the inbox");
    refuseFolder(parts, folder, fingerprint, refusal);
  }
}

/** The next folder that is due, if any; undefined until the policy in force is known. */
export function dueFolder({ book, settings }: Parts) {
  if (!book.ready || !book.box) return undefined;
  return nextToTake(book.inbox, settings, book.now);
}

/** Takes one folder. Never throws: what goes wrong is the folder's trouble, or its refusal. */
export async function takeFolder(
  parts: Parts,
  { state, settleOver }: { state: FolderState; settleOver: boolean },
): Promise<void> {
  const { book, spool, log } = parts;
  const { folder } = state;
  const incoming = spool.newIncoming();
  book.setInbox((inbox) => taking(inbox, folder));
  let end: TakeEnd;
  try {
    await spool.clearIncoming();
    end = await takeInto(parts, state, settleOver, incoming);
  } catch (fault) {
    end = await failedTake(parts, state, asRefusal(fault, "INTERNAL", `a fault while ${folder} was taken`), incoming);
  } finally {
    book.setWork(`folder/${folder}`, undefined);
  }
  // At once: a folder that became a batch must not be seen beside it.
  book.setInbox((inbox) => tookEnd(inbox, folder, end, book.now));
  await spool.discard(incoming).catch((fault) => log.error({ err: fault }, "a part of a batch could not be removed"));
}

async function takeInto(parts: Parts, state: FolderState, settleOver: boolean, incoming: string): Promise<TakeEnd> {
  const { book, intake, settings, policies, log } = parts;
  const { folder, files, bytes } = state;
  const { text: policy } = await policies.inForce(book.box?.policy.digest ?? "");
  const order = {
    root: settings.media.in,
    folder,
    into: incoming,
    policy,
    now: book.moment.utc,
    settleOver,
    files,
    bytes,
  };
  log.info({ folder, files, bytes }, "copying");
  const early = new EarlySync(incoming);
  const batch = await intake
    .take(order, (done) => {
      book.setWork(`folder/${folder}`, done);
      early.note(done);
    })
    .finally(() => early.end());
  if (batch.outcome === "incomplete") {
    log.info({ folder, got: batch.got }, "not all of it is there");
    return batch;
  }
  const live = book.liveByDigest(batch.batchDigest);
  if (live?.spooled && live.folder === folder) {
    // Something of the folder changed, but not the batch: it was seen before the last of it was written.
    book.put({ ...live, fingerprint: batch.fingerprint });
    return { outcome: "taken" };
  }
  if (live?.spooled) return { outcome: "held", by: live.id };
  const facts = factsOf(parts, state, batch);
  await parts.spool.keep(incoming, facts);
  if (live)
    book.put({ ...live, spooled: true, fingerprint: batch.fingerprint, folder, since: Date.parse(facts.taken) });
  else book.put(spooledState(facts));
  log.info(
    { folder, batch: facts.batch, kind: facts.kind, digest: batch.batchDigest, documents: batch.count },
    "taken",
  );
  return { outcome: "taken" };
}

/** A batch of the spool, before the signer was asked. */
export function spooledState(facts: IntakeFacts) {
  const { kind, batch, purpose, mode, expires, count, bytes, submitter } = facts;
  return taken({
    id: facts.batchDigest,
    folder: facts.folder,
    fingerprint: facts.fingerprint,
    digest: facts.batchDigest,
    spooled: true,
    about: { kind, batch, purpose, mode, expires, count, bytes, submitter },
    since: Date.parse(facts.taken),
  });
}

function factsOf({ book }: Parts, { folder }: FolderState, batch: TakenBatch): IntakeFacts {
  const { batchDigest, fingerprint, head, count, bytes, submitter } = batch;
  const { batch: id = null, purpose = null, mode, expires, type } = head;
  return {
    kind: type === "plain-envelopes" ? "plain-envelopes" : "signed-request",
    batch: id,
    batchDigest,
    bytes,
    count,
    expires,
    fingerprint,
    folder,
    mode,
    purpose,
    submitter,
    taken: book.moment.utc,
    version: 1,
  };
}

/** What a take that failed comes to: another attempt, the receipt of a batch that was sealed before, or the refusal. */
async function failedTake(parts: Parts, state: FolderState, refusal: Refusal, incoming: string): Promise<TakeEnd> {
  const { folder, fingerprint } = state;
  if (isTriedAgain(refusal.code, state.trouble?.tries ?? 0)) return triedAgain(parts, state, refusal);
  try {
    const sealed = await sealedBefore(parts, state, refusal, incoming);
    if (sealed) return answerWithReceipt(parts, state, sealed);
  } catch (fault) {
    return triedAgain(parts, state, asRefusal(fault, "INTERNAL", "the signer does not answer"));
  }
  parts.log.warn({ code: refusal.code, folder }, refusal.message);
  refuseFolder(parts, folder, fingerprint, refusal.toRecord());
  return { outcome: "taken" };
}

function triedAgain({ log }: Parts, { folder }: FolderState, refusal: Refusal): TakeEnd {
  log.warn({ code: refusal.code, folder, again: true }, refusal.message);
  return { outcome: "failed", refusal: refusal.toRecord() };
}

function refuseFolder({ book }: Parts, folder: string, fingerprint: string, refusal: RefusalRecord): void {
  const id = `folder/${folder}`;
  const nothing = { id, folder, fingerprint, digest: null, spooled: false, about: null, since: book.now };
  book.put(taken(nothing));
  book.apply(id, { type: "refused", refusal });
}

/**
 * Whether a folder is a batch already, or was answered. An answer counts while it stands on the stick that takes answers:
 * the same batch on a later stick gets its answer there. Without that stick nothing can be answered again.
 */
function isKnown({ book, answered, settings, sticks }: Parts, folder: string, fingerprint: string): boolean {
  if (book.live.some((one) => one.folder === folder && one.fingerprint === fingerprint)) return true;
  if (!answered.answerTo(folder, fingerprint)) return false;
  // By the helper one stick is mounted for one use at a time: its answers stand where it is read.
  const out = sticks?.readsAnswers ? settings.media.in : settings.media.out;
  return !existsSync(out) || existsSync(answerPath(out, folder));
}
