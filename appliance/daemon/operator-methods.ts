/** The daemon socket's methods, for the operators' CLI. Parameters are read here; decisions are checked in `decisions.ts`. */

import { existsSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { type Answer as CallAnswer, collect, type Handlers, type IncomingCall } from "../../host/wire.ts";
import { fromUtf8 } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import { flag, object, optional, type Reader, text } from "../../manifests/encoding/shape.ts";
import { challengeBytes } from "../../manifests/records/decision.ts";
import { approvalsNeeded } from "../../manifests/records/emergency.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type BatchRow, endStates } from "../client/batch-row.ts";
import { answerAgain, answerBatch, exportAudit } from "./answer-step.ts";
import type { Answer, BatchState } from "./batch-state.ts";
import { batchRow, folderRow } from "./batch-words.ts";
import type { Book } from "./book.ts";
import { abort, approve, ended, reject, withdraw } from "./decisions.ts";
import type { MadeRefusals } from "./deliver.ts";
import { findBatch } from "./find-batch.ts";
import { importControl } from "./import-control.ts";
import type { Parts } from "./parts.ts";
import { findExportable, findKnown, forgottenBatch } from "./recorded-batch.ts";
import { digestOf, kindOf } from "./signer-steps.ts";
import type { SignerWatch } from "./signer-watch.ts";
import { stickWords } from "./stick-words.ts";

const decisionBytes = 1 << 20;
/** Rows change with every piece copied; people need not see each. */
const calm = 200;

const nothing = object({});
const oneBatch = object({ batch: text(255) });
const oneExport = object({ batch: text(255), to: optional(text(4096)) });
const oneAudit = object({ to: optional(text(4096)) });

export function operatorMethods(parts: Parts, signer: SignerWatch, made: MadeRefusals): Handlers {
  const { book } = parts;
  const find = async (name: string) => {
    await signer.need();
    return findKnown(parts, name);
  };
  const decision = (decide: (parts: Parts, state: BatchState, p7m: Uint8Array) => Promise<void>, alone: boolean) =>
    method(oneBatch, async ({ batch }, call) => {
      const p7m = await collect(call.body, decisionBytes);
      const { id } = await find(batch);
      const work = async () => decide(parts, book.get(id) ?? (await find(batch)), p7m);
      await (alone ? book.exclusive(id, work) : work());
      return { result: decided(parts, id) };
    });
  return {
    status: method(nothing, async () => ({ result: statusOf(parts) })),
    list: method(object({ all: optional(flag) }), async ({ all }) => ({
      result: {
        batches: rows(parts, all === true),
        ...toldOfSticks(parts),
      },
    })),
    open: method(oneBatch, async ({ batch }) => opened(parts, await find(batch))),
    envelopes: method(oneBatch, async ({ batch }) => {
      const state = await find(batch);
      return { result: {}, body: parts.spool.request(digestOf(state), "plain-envelopes") };
    }),
    approve: decision(approve, true),
    withdraw: decision(withdraw, true),
    reject: decision(reject, true),
    // Sealing may be under way, which an abort must not wait for.
    abort: decision(abort, false),
    watch: method(oneBatch, async ({ batch }, call) => {
      const past = book.inbox.has(batch) ? undefined : await forgottenBatch(parts, batch);
      return past ? { result: rowJson(batchRow(past, book.surroundings)) } : watch(parts, batch, call);
    }),
    export: method(oneExport, async ({ batch, to }) => {
      await signer.need();
      const meant = await findExportable(parts, batch);
      const root = placeOf(parts, to, "out");
      const work = async () => exported(parts, asNow(book, meant), root, made);
      const { files, bytes, path, missing = 0, number } = await book.exclusive(meant.id, work);
      return { result: { files, bytes, missing, number, path } };
    }),
    "export-audit": method(oneAudit, async ({ to }) => {
      const { path, numbers } = await exportAudit(parts, placeOf(parts, to, "audit"));
      return { result: { numbers: [...numbers], path } };
    }),
    import: method(nothing, async () => ({ result: (await importControl(parts)) as unknown as Json })),
  };
}

function method<T>(read: Reader<T>, act: (parameters: T, call: IncomingCall) => Promise<CallAnswer>) {
  return async (parameters: Json, call: IncomingCall): Promise<CallAnswer> => act(read(parameters, "params"), call);
}

function rows({ book, settings }: Parts, all: boolean): Json {
  const around = book.surroundings;
  const batches = book.batches.map((state) => ({ since: state.since, row: batchRow(state, around) }));
  const folders = [...book.inbox.values()].map((one) => ({ since: one.since, row: folderRow(one, settings, around) }));
  const shown = [...batches, ...folders].filter(({ row }) => all || !endStates.includes(row.state));
  return shown.sort((a, b) => a.since - b.since).map(({ row }) => rowJson(row));
}

function rowJson(row: BatchRow): Json {
  return row as unknown as Json;
}

function decided({ book }: Parts, id: string): Json {
  const state = book.get(id);
  if (!state) throw new Refusal("BATCH-UNKNOWN", "the batch is gone");
  const { state: word, approvals, needed } = batchRow(state, book.surroundings);
  return { approvals: approvals as unknown as Json, needed: needed ?? 1, state: word };
}

async function opened({ book, policies, spool }: Parts, state: BatchState): Promise<CallAnswer> {
  const { challenge, phase } = state;
  if (phase.at === "ended") throw ended(state.folder, phase.as);
  if (!challenge || !state.spooled || !book.box) {
    const row = batchRow(state, book.surroundings);
    throw new Refusal("BATCH-STATE", "there is nothing to decide about this batch now", {
      expected: "a batch with a challenge and its copy",
      got: `${row.state}: ${row.waiting}`,
      about: state.folder,
    });
  }
  const { text: policy, policy: value } = await policies.inForce(book.box.policy.digest);
  const listed = batchRow(state, book.surroundings);
  const kind = kindOf(state);
  const result = {
    kind,
    approvals: state.approvals as unknown as Json,
    challenge: fromUtf8(challengeBytes(challenge)),
    listed: rowJson(listed),
    declaration: book.box.emergency?.order ?? null,
    needed: state.needed ?? approvalsNeeded(value, challenge.mode),
    policy,
  };
  // Plain envelopes may be many: they come by a call of their own, as a stream.
  return { result, body: kind === "signed-request" ? spool.request(digestOf(state), kind) : [] };
}

/** Tells the row whenever it changed; the result is the row at the end. */
async function watch({ book, settings, stop }: Parts, name: string, call: IncomingCall): Promise<CallAnswer> {
  const gone = AbortSignal.any([call.signal, stop]);
  let last = "";
  for (;;) {
    const row = rowOf(name);
    const text = canonical(rowJson(row));
    if (endStates.includes(row.state)) return { result: rowJson(row) };
    if (text !== last) call.progress(rowJson(row));
    last = text;
    await book.changes.wait(1000, gone);
    if (gone.aborted) throw new Refusal("STOPPED", "the daemon ends, or nobody watches");
    await new Promise((resolve) => setTimeout(resolve, calm));
  }

  function rowOf(named: string): BatchRow {
    const around = book.surroundings;
    const folder = book.inbox.get(named);
    if (folder) return folderRow(folder, settings, around);
    return batchRow(findBatch(book.batches, named), around);
  }
}

/** A batch that ended is exported as it was found: brought again, it may have another folder by now. */
function asNow(book: Book, state: BatchState): BatchState {
  return state.phase.at === "ended" ? state : (book.get(state.id) ?? state);
}

async function exported(parts: Parts, state: BatchState, root: string | undefined, made: MadeRefusals) {
  const { phase } = state;
  const { number } = state;
  if (phase.at === "answering") return { ...(await answerBatch(parts, state, made, root)), number };
  const answer = phase.at === "ended" ? answerOf(state, phase.as) : undefined;
  if (!answer) {
    const row = batchRow(state, parts.book.surroundings);
    throw new Refusal("BATCH-STATE", "there is nothing to export of this batch now", {
      expected: "a batch that was sealed, rejected or aborted",
      got: `${row.state}: ${row.waiting}`,
      about: state.folder,
    });
  }
  return { ...(await answerAgain(parts, state, answer, root)), number };
}

function answerOf({ number }: BatchState, as: "released" | "refused" | "rejected" | "aborted"): Answer | undefined {
  if (number !== null) return { kind: "receipt", number, of: as === "aborted" ? "aborted" : "already" };
  return as === "rejected" || as === "aborted" ? { kind: "ending", as } : undefined;
}

/** Refuses with MEDIA-WRITE what is not a folder that is there. */
function stickAt(root: string): string {
  if (!isAbsolute(root)) throw new Refusal("USAGE", "the stick's folder must be an absolute path", { got: root });
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Refusal("MEDIA-WRITE", "the stick is not there", { expected: "a folder", about: root });
  }
  return root;
}

/** The folder that was named, or the one of the settings; undefined: the stick, by the mount helper. */
function placeOf({ settings, sticks }: Parts, to: string | undefined, role: "audit" | "out"): string | undefined {
  if (to === undefined && sticks) return undefined;
  return stickAt(to ?? settings.media[role]);
}

/** Where sticks are folders only what was left out of them. */
function toldOfSticks({ book, sticks }: Parts) {
  const words = [...book.leftOut, ...(sticks ? stickWords(sticks.view) : [])];
  return sticks || words.length > 0 ? { sticks: words } : {};
}

function statusOf(parts: Parts): Json {
  const { book, settings } = parts;
  const { media } = settings;
  const around = book.surroundings;
  const batches: Record<string, number> = {};
  const count = (word: string) => {
    batches[word] = (batches[word] ?? 0) + 1;
  };
  for (const state of book.live) count(batchRow(state, around).state);
  for (const folder of book.inbox.values()) count(folderRow(folder, settings, around).state);
  const stick = (path: string) => ({ path, present: existsSync(path) });
  const spoolBytes = book.live
    .filter(({ spooled }) => spooled)
    .reduce((sum, { about }) => sum + (about?.bytes ?? 0), 0);
  return {
    daemon: {
      batches,
      media: { in: stick(media.in), out: stick(media.out), audit: stick(media.audit) },
      spoolBytes,
      ...toldOfSticks(parts),
    },
    signer: book.box?.all ?? null,
  };
}
