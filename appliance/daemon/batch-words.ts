/** A batch as a row of `list`: its state, and in words what it waits for (UX5). Pure. */

import { clockTime, count, duration, size } from "../../host/terminal/amounts.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import type { BatchRow, RowState } from "../client/batch-row.ts";
import type { BatchState } from "./batch-state.ts";
import { type BoxView, sealingBlocked, signerSilent, silence } from "./box-view.ts";
import type { FolderState, InboxSettings } from "./inbox-state.ts";
import { momentOf, nextToSeal, staleness, undecidedUntil } from "./next-step.ts";
import { type Work, workProgress } from "./work-rate.ts";

/** What a row is told from, beside the batch itself. */
export interface Surroundings {
  readonly now: number;
  readonly utc: Utc;
  readonly box: BoxView;
  /** whether what the signer knows and the spool's approvals were taken in since the daemon started */
  readonly ready: boolean;
  readonly batches: Iterable<BatchState>;
  /** figures of what is under way */
  readonly work: (id: string) => Work | undefined;
}

export function batchRow(state: BatchState, around: Surroundings): BatchRow {
  const work = around.work(state.id);
  const told = wordsOf(state, around);
  const refusal =
    state.phase.at === "answering" && state.phase.answer.kind === "refusal" ? state.phase.answer.refusal : null;
  return {
    folder: state.folder,
    batchDigest: state.digest,
    batch: state.about?.batch ?? null,
    ...(state.about ? { kind: state.about.kind } : {}),
    state: told.state,
    mode: state.about?.mode ?? null,
    purpose: state.about?.purpose ?? null,
    count: state.about?.count ?? null,
    bytes: state.about?.bytes ?? null,
    submitter: state.about?.submitter ?? null,
    expires: state.about?.expires ?? null,
    approvals: state.approvals,
    needed: state.needed,
    number: state.number,
    waiting: told.words,
    progress: work ? workProgress(work, around.now) : null,
    refusal: state.refusal ?? refusal,
  };
}

/** A row of a folder that is not yet a batch. */
export function folderRow(folder: FolderState, settings: InboxSettings, around: Surroundings): BatchRow {
  const work = around.work(`folder/${folder.folder}`);
  const copying = folder.phase.at === "taking";
  return {
    folder: folder.folder,
    batchDigest: null,
    batch: null,
    state: copying ? "copying" : folder.phase.at === "held" ? "waiting" : "waiting-for-documents",
    mode: null,
    purpose: null,
    count: null,
    bytes: folder.bytes,
    submitter: null,
    expires: null,
    approvals: [],
    needed: null,
    number: null,
    waiting: folderWords(folder, settings, work, around),
    progress: copying && work ? workProgress(work, around.now) : null,
    refusal: null,
  };
}

interface Told {
  readonly state: RowState;
  readonly words: string;
}

function wordsOf(state: BatchState, around: Surroundings): Told {
  const { phase } = state;
  switch (phase.at) {
    case "submitting":
      return {
        state: "waiting",
        words: state.spooled ? askedOf(state, "waiting for the signer's check", around) : lostCopy,
      };
    case "approving":
      return approvingWords(state, around);
    case "authorizing":
      return {
        state: "waiting",
        words: askedOf(state, "approved; waiting for the signer's check of the approvals", around),
      };
    case "sealing":
      return sealingWords(state, around);
    case "answering":
      return { state: "exporting", words: askedOf(state, answerWords(state), around) };
    case "ended":
      return { state: phase.as, words: endWords(state, phase.as) };
  }
}

const lostCopy = "the copy in the spool is gone: insert the stick again, then it goes on";

/** People are asked only when the box can take their approval and knows those given before. */
function approvingWords(state: BatchState, around: Surroundings): Told {
  if (!around.box) return { state: "waiting", words: signerSilent };
  if (!around.ready) return { state: "waiting", words: "the daemon has just started and reads what was approved" };
  return { state: "waiting-for-approval", words: approvalWords(state, around) };
}

function approvalWords(state: BatchState, around: Surroundings): string {
  const moment = momentOf(around.box, around.now);
  const stale = staleness(state, moment);
  if (stale && !state.spooled) return `${stale}; ${lostCopy}`;
  if (stale) return troubled(state, `${stale}: a new challenge is made, approvals must be given again`, around);
  const needed = state.needed ?? 0;
  const who = state.approvals.map(({ person, signed }) => `${person} has approved ${clockTime(signed, around.utc)}`);
  const given = who.length > 0 ? ` (${who.join(", ")})` : "";
  const words = `waiting for ${needed - who.length} of ${count(needed, "approval")}${given}`;
  const lost = state.spooled ? "" : `; ${lostCopy}`;
  const until = undecidedUntil(state, moment);
  const end = until === undefined ? "" : `; refused if nobody decides by ${clockTime(utcOf(until), around.utc)}`;
  return `${state.note ? `${state.note}; ` : ""}${words}${lost}${end}`;
}

function sealingWords(state: BatchState, around: Surroundings): Told {
  const work = around.work(state.id);
  const silent = work && silence(around.box);
  if (silent) return { state: silent.state, words: `${silent.words}; ${progressWords(work, around.now)}` };
  if (work) return { state: "sealing", words: `sealing ${progressWords(work, around.now)}` };
  const blocked = sealingBlocked(around.box);
  if (blocked) return { state: blocked.state, words: blocked.words };
  if (state.trouble) return { state: "waiting", words: troubled(state, "approved", around) };
  const first = nextToSeal(around.batches, momentOf(around.box, around.now));
  if (first && first.id !== state.id) return { state: "waiting", words: `approved; ${first.folder} is sealed first` };
  return { state: "sealing", words: "sealing begins" };
}

function answerWords(state: BatchState): string {
  if (state.phase.at !== "answering") return "";
  const { answer } = state.phase;
  if (answer.kind === "refusal") return "writing the refusal to the stick";
  if (answer.kind === "ending") return `${answer.as}; writing that to the stick`;
  if (answer.of === "already")
    return `sealed before as manifest ${answer.number}; writing the first receipt to the stick`;
  if (answer.of === "aborted") return `aborted as manifest ${answer.number}; writing it to the stick`;
  return "sealed; writing seals and manifest to the stick, leave it in";
}

function endWords(state: BatchState, as: "released" | "refused" | "rejected" | "aborted"): string {
  const nothingSealed = "nothing was sealed";
  switch (as) {
    case "released":
      return `released: written to the stick and read back${state.note ? `; ${state.note}` : ""}; you may remove the stick now`;
    case "refused":
      return `refused: ${nothingSealed}; ${state.note ?? "the stick says why"}`;
    case "rejected":
      return `rejected: ${nothingSealed}; the stick says why`;
    case "aborted":
      return state.number === null
        ? `aborted: ${nothingSealed}`
        : "aborted: none of its seals counts; the stick has the manifest";
  }
}

/** What the signer was asked for, and that it does not answer, where nothing else was told yet. */
function askedOf(state: BatchState, doing: string, around: Surroundings): string {
  return state.trouble || around.box ? troubled(state, doing, around) : `${doing}; ${signerSilent}`;
}

/** What it was doing, and if that failed why, and when it is tried again. */
function troubled(state: BatchState, doing: string, { now }: Surroundings): string {
  const { trouble } = state;
  if (!trouble) return doing;
  const { code, message } = trouble.refusal;
  const again =
    trouble.again === null
      ? `\`ceremony export ${state.folder}\` tries again`
      : `next attempt in ${duration(Math.ceil((trouble.again - now) / 1000))}`;
  return `${doing}: failed (${code}: ${message}); ${again}`;
}

function folderWords(
  folder: FolderState,
  settings: InboxSettings,
  work: Work | undefined,
  around: Surroundings,
): string {
  const { phase, trouble } = folder;
  if (phase.at === "taking") return work ? `copying ${progressWords(work, around.now)}` : "copying begins";
  if (phase.at === "held")
    return "the same batch is here already from another folder; its answer goes here too when that one ends";
  if (trouble && trouble.again > around.now) {
    const { code, message } = trouble.refusal;
    return `could not be copied (${code}: ${message}); next attempt in ${duration(Math.ceil((trouble.again - around.now) / 1000))}`;
  }
  if (phase.at === "incomplete") {
    const left = Math.max(0, folder.since + settings.incompleteSeconds * 1000 - around.now) / 1000;
    return `not all of it is there: ${phase.got}; refused in ${duration(left)} if nothing more comes`;
  }
  return `found ${count(folder.files, "file")}, ${size(folder.bytes)}; copied when nothing changed for ${duration(settings.settleSeconds)}`;
}

/** `3 of 12 documents, 41.0 MiB/s, 20 s left` */
function progressWords(work: Work, now: number): string {
  const { documents, of, bytesPerSecond, secondsLeft } = workProgress(work, now);
  const rate = bytesPerSecond === null || work.ofBytes === 0 ? "" : `, ${size(bytesPerSecond)}/s`;
  const left = secondsLeft === null ? "" : `, ${duration(secondsLeft)} left`;
  return `${documents} of ${count(of, "document")}${rate}${left}`;
}
