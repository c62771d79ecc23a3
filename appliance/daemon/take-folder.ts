/** From a folder of the inbox to a batch in the spool, or to a refusal. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { isBatchFolder, shown } from "../../manifests/records/names.ts";
import { asRefusal, type Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { taken } from "./batch-state.ts";
import {
  type FolderState,
  freed,
  isTriedAgain,
  looked,
  nextToTake,
  type TakeEnd,
  taking,
  tookEnd,
} from "./inbox-state.ts";
import type { TakenBatch } from "./intake-client.ts";
import type { Parts } from "./parts.ts";
import type { IntakeFacts } from "./spool.ts";

/** Looks at the stick once. A stick that cannot be read shows as an empty inbox. Refuses as intake's `scan`. */
export async function lookAtInbox(parts: Parts): Promise<void> {
  const { book, settings, log } = parts;
  if (!existsSync(settings.media.in)) return book.setInbox((inbox) => looked(inbox, [], book.now));
  const seen = await parts.intake.scan(settings.media.in);
  const fresh = seen.batches.filter(({ folder, fingerprint }) => !isKnown(parts, folder, fingerprint));
  book.setInbox((inbox) => looked(inbox, fresh, book.now));
  for (const { name, refusal } of seen.odd) {
    const fingerprint = hex(sha256(utf8(`${refusal.code} ${name}`)));
    const folder = shown(name).slice(0, 64);
    if (isKnown(parts, folder, fingerprint)) continue;
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
    end = failedTake(parts, state, asRefusal(fault, "INTERNAL", `a fault while ${folder} was taken`));
  } finally {
    book.setWork(`folder/${folder}`, undefined);
    await spool.discard(incoming).catch((fault) => log.error({ err: fault }, "a part of a batch could not be removed"));
  }
  book.setInbox((inbox) => tookEnd(inbox, folder, end, book.now));
}

/** Folders held by a batch that ended may be taken. */
export function freeHeld({ book }: Parts, id: string): void {
  book.setInbox((inbox) => freed(inbox, id));
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
  const batch = await intake.take(order, (done) => book.setWork(`folder/${folder}`, done));
  if (batch.outcome === "incomplete") {
    log.info({ folder, got: batch.got }, "not all of it is there");
    return batch;
  }
  const live = book.liveByDigest(batch.batchDigest);
  if (live?.spooled) return { outcome: "held", by: live.id };
  const facts = factsOf(parts, state, batch);
  await parts.spool.keep(incoming, facts);
  if (live) book.put({ ...live, spooled: true, fingerprint: batch.fingerprint, folder });
  else book.put(spooledState(facts));
  log.info({ folder, batch: batch.head.batch, digest: batch.batchDigest, documents: batch.count }, "taken");
  return { outcome: "taken" };
}

/** A batch of the spool, before the signer was asked. */
export function spooledState(facts: IntakeFacts) {
  const { batch, purpose, mode, expires, count, bytes, submitter } = facts;
  return taken({
    id: facts.batchDigest,
    folder: facts.folder,
    fingerprint: facts.fingerprint,
    digest: facts.batchDigest,
    spooled: true,
    about: { batch, purpose, mode, expires, count, bytes, submitter },
    since: Date.parse(facts.taken),
  });
}

function factsOf({ book }: Parts, { folder }: FolderState, batch: TakenBatch): IntakeFacts {
  const { batchDigest, fingerprint, head, count, bytes, submitter } = batch;
  const { batch: id, purpose, mode, expires } = head;
  return {
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

function failedTake(parts: Parts, state: FolderState, refusal: Refusal): TakeEnd {
  const { folder, fingerprint } = state;
  const again = isTriedAgain(refusal.code, state.trouble?.tries ?? 0);
  parts.log.warn({ code: refusal.code, folder, again }, refusal.message);
  if (again) return { outcome: "failed", refusal: refusal.toRecord() };
  refuseFolder(parts, folder, fingerprint, refusal.toRecord());
  return { outcome: "taken" };
}

function refuseFolder({ book }: Parts, folder: string, fingerprint: string, refusal: RefusalRecord): void {
  const id = `folder/${folder}`;
  const nothing = { id, folder, fingerprint, digest: null, spooled: false, about: null, since: book.now };
  book.put(taken(nothing));
  book.apply(id, { type: "refused", refusal });
}

/**
 * Whether a folder is a batch already, or was answered. An answer counts while it stands on the stick (where the same
 * stick takes answers): the same batch on another stick gets its answer there.
 */
function isKnown({ book, answered, settings }: Parts, folder: string, fingerprint: string): boolean {
  if (book.live.some((one) => one.folder === folder && one.fingerprint === fingerprint)) return true;
  if (!answered.answerTo(folder, fingerprint)) return false;
  const { media } = settings;
  return media.in !== media.out || existsSync(join(media.out, "coldseal/outbox", answerFolder(folder)));
}

/** The folder's name in the outbox: its own, or `refused-` and 16 hex digits of its SHA-256 where that is no name for it. */
export function answerFolder(folder: string): string {
  return isBatchFolder(folder) ? folder : `refused-${hex(sha256(utf8(folder))).slice(0, 16)}`;
}
