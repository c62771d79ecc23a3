/**
 * The work: four lanes, each doing one thing after another, so that copying, deciding, sealing and writing to sticks
 * never wait for each other, and a batch that fails never keeps others waiting.
 */

import { existsSync } from "node:fs";
import { asRefusal } from "../../manifests/refusal.ts";
import { answerBatch } from "./answer-step.ts";
import type { BatchState } from "./batch-state.ts";
import { isBoxMatter } from "./box-matters.ts";
import { sealingBlocked } from "./box-view.ts";
import type { MadeRefusals } from "./deliver.ts";
import { UnreadEntries } from "./inbox-state.ts";
import { inOrder, nextStep, nextToSeal, type Step, undecidedTooLong } from "./next-step.ts";
import type { Parts } from "./parts.ts";
import { authorizeBatch, isOldIdea, refresh, sealBatch, submitBatch } from "./signer-steps.ts";
import { type SignerWatch, tryAgain } from "./signer-watch.ts";
import { dueFolder, lookAtInbox, takeFolder } from "./take-folder.ts";

/** Longest wait before lanes look again: retries become due by time alone. */
const tick = 500;
const pollSigner = 1_000;
const lookAtSticks = 1_000;

/** Runs until `parts.stop` aborts; resolves when everything under way has ended. */
export async function runLanes(parts: Parts, signer: SignerWatch, made: MadeRefusals): Promise<void> {
  const watchStick = stickWatch(parts);
  const { sticks } = parts;
  const unread = new UnreadEntries();
  await Promise.all([
    lane(parts, () => recordStep(parts)),
    lane(parts, () => sealStep(parts)),
    lane(parts, () => answerStep(parts, made)),
    lane(parts, () => takeStep(parts)),
    repeat(parts, pollSigner, () => signer.ask()),
    repeat(parts, parts.settings.scanSeconds * 1000, () => look(parts, watchStick, unread)),
    ...(sticks ? [repeat(parts, lookAtSticks, () => sticks.look(parts))] : []),
  ]);
}

type Job = () => Promise<void>;

async function lane({ book, stop, log }: Parts, next: () => Job | undefined): Promise<void> {
  while (!stop.aborted) {
    const job = next();
    if (!job) await book.changes.wait(tick, stop);
    else await job().catch((fault) => log.error({ err: fault }, "a fault in the daemon"));
  }
}

async function repeat({ book, stop }: Parts, milliseconds: number, work: () => Promise<void>): Promise<void> {
  while (!stop.aborted) {
    const before = performance.now();
    await work();
    while (!stop.aborted && performance.now() - before < milliseconds) {
      await book.changes.wait(milliseconds - (performance.now() - before), stop);
    }
  }
}

function recordStep(parts: Parts): Job | undefined {
  const { book } = parts;
  if (!book.ready || !book.box) return undefined;
  for (const { id } of inOrder(book.live)) {
    const step = stepOf(parts, id);
    if (step === "give-up") return () => stepped(parts, id, step, (state) => giveUp(parts, state));
    if (step === "submit") return () => stepped(parts, id, step, (state) => submitBatch(parts, state));
    if (step === "authorize") return () => stepped(parts, id, step, (state) => authorizeBatch(parts, state));
  }
  return undefined;
}

/** RETENTION: from then on it is answered with a refusal, and its documents are removed once that is on the stick. */
async function giveUp({ book, log }: Parts, state: BatchState): Promise<void> {
  const refusal = undecidedTooLong(state, book.moment);
  log.warn({ code: refusal.code, folder: state.folder }, refusal.message);
  book.apply(state.id, { type: "refused", refusal });
}

function sealStep(parts: Parts): Job | undefined {
  const { book } = parts;
  if (!book.ready || sealingBlocked(book.box)) return undefined;
  const first = nextToSeal(book.batches, book.moment);
  // Not exclusive: an abort must reach the signer in the middle of it.
  return first && (() => attempted(parts, first, (state) => sealBatch(parts, state)));
}

function answerStep(parts: Parts, made: MadeRefusals): Job | undefined {
  const { book } = parts;
  if (!book.ready || !book.box) return undefined;
  const due = inOrder(book.live).find(({ id }) => stepOf(parts, id) === "answer");
  return due && (() => stepped(parts, due.id, "answer", async (state) => void (await answerBatch(parts, state, made))));
}

function takeStep(parts: Parts): Job | undefined {
  const due = dueFolder(parts);
  return due && (() => whileReadable(parts, () => takeFolder(parts, due)));
}

function stepOf({ book }: Parts, id: string): Step | undefined {
  const state = book.get(id);
  return state && nextStep(state, book.moment);
}

/** Does a step unless a decision of a person came first. */
async function stepped(
  parts: Parts,
  id: string,
  step: Step,
  work: (state: BatchState) => Promise<void>,
): Promise<void> {
  await parts.book.exclusive(id, async () => {
    const state = parts.book.get(id);
    if (state && stepOf(parts, id) === step) await attempted(parts, state, work);
  });
}

async function attempted(parts: Parts, state: BatchState, work: (state: BatchState) => Promise<void>): Promise<void> {
  const { book, log, stop } = parts;
  try {
    await work(state);
  } catch (fault) {
    if (stop.aborted) return;
    const refusal = asRefusal(fault, "INTERNAL", "a fault in the daemon");
    const { code, about, expected, got, message } = refusal;
    const more = code === "INTERNAL" ? { err: fault } : {};
    log[isBoxMatter(code) ? "warn" : "error"]({ code, folder: state.folder, about, expected, got, ...more }, message);
    const refreshed =
      isOldIdea(refusal.code) &&
      (await refresh(parts, state).then(
        () => true,
        () => false,
      ));
    const changed = refreshed && book.get(state.id)?.phase.at !== state.phase.at;
    if (!changed) book.apply(state.id, { type: "failed", refusal: refusal.toRecord() });
  }
}

/** Does work on the inbox; a stick that is mounted for reading stays so meanwhile. */
function whileReadable({ sticks }: Parts, work: Job): Promise<void> {
  return sticks ? sticks.alone(work) : work();
}

/** A stick that comes back is written to at once. */
function stickWatch(parts: Parts): () => void {
  let before = true;
  return () => {
    const there = parts.sticks ? parts.sticks.has("out") : existsSync(parts.settings.media.out);
    const ofMedia = /^(?:MEDIA|STICK)-/;
    if (there && !before) tryAgain(parts.book, (state) => ofMedia.test(state.trouble?.refusal.code ?? ""));
    before = there;
  };
}

async function look(parts: Parts, watchStick: () => void, unread: UnreadEntries): Promise<void> {
  watchStick();
  try {
    await whileReadable(parts, () => lookAtInbox(parts, unread));
  } catch (fault) {
    if (parts.stop.aborted) return;
    const { code, message } = asRefusal(fault, "INTERNAL", "the inbox cannot be looked at");
    parts.log.warn({ code }, message);
  }
}
