/** The last step of a batch: its answer is delivered, the signer told, and the spool freed, in this order. */

import { existsSync } from "node:fs";
import { count } from "../../host/terminal/amounts.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { Answer, BatchState } from "./batch-state.ts";
import { type Delivered, deliver, type MadeRefusals } from "./deliver.ts";
import { freed } from "./inbox-state.ts";
import type { Parts } from "./parts.ts";
import { plainMessage } from "./plain-message.ts";

/** Delivers the answer of a batch that is to be answered, to the folder `root` or, left out, to the stick. Refuses as `deliver`, and STORE. */
export async function answerBatch(
  parts: Parts,
  state: BatchState,
  made: MadeRefusals,
  root?: string,
): Promise<Delivered> {
  const { book, log } = parts;
  if (state.phase.at !== "answering") throw new Error("no answer is due");
  const { answer } = state.phase;
  const delivered = await onStick(parts, "out", root, (to) => deliver(parts, state, answer, to, made)).catch((fault) =>
    undelivered(parts, state, answer, fault),
  );
  await tellSigner(parts, answer, delivered);
  const full = await remember(parts, state, answer).then(() => false, isStoreFault);
  if (state.spooled && state.digest) await parts.spool.remove(state.digest);
  // On a full disk the copy, needed no more, makes room for what is to be remembered.
  if (full) await remember(parts, state, answer);
  const note = noteOf(delivered, answer);
  book.apply(state.id, { type: "answered", ...(note === undefined ? {} : { note }) });
  made.delete(state.id);
  book.setInbox((inbox) => freed(inbox, state.id));
  log.info({ folder: state.folder, path: delivered.path, files: delivered.files }, outcomeOf(answer));
  if (answer.kind === "receipt") await auditToo(parts);
  return delivered;
}

function noteOf({ files, missing }: Delivered, answer: Answer): string | undefined {
  if (files === 0) return "another answer stands on the stick under this name";
  const notes = [
    ...(answer.kind === "receipt" && answer.of === "already"
      ? [`sealed before as manifest ${answer.number}, and this is its first receipt again`]
      : []),
    ...(missing === undefined ? [] : [`${count(missing, "document")} missing: the box's copy is gone`]),
  ];
  return notes.length === 0 ? undefined : notes.join("; ");
}

/**
 * A refusal never takes the place of another answer to the same folder name: it is journalled, and that must do. All
 * other faults pass.
 */
function undelivered({ log }: Parts, state: BatchState, answer: Answer, fault: unknown): Delivered {
  if (answer.kind !== "refusal" || !(fault instanceof Refusal) || fault.code !== "MEDIA-TAKEN") throw fault;
  log.warn({ code: fault.code, folder: state.folder }, "refused; another answer stands on the stick under this name");
  return { path: `coldseal/outbox/${state.folder}`, files: 0, bytes: 0, device: "none" };
}

/** Delivers again what a batch that ended was answered with; journalled under `reported`. */
export async function answerAgain(parts: Parts, state: BatchState, answer: Answer, root?: string): Promise<Delivered> {
  const delivered = await onStick(parts, "out", root, (to) => deliver(parts, state, answer, to, new Map()));
  const { path, files } = delivered;
  await parts.signer.note("exported-again", { batchDigest: state.digest, files, number: state.number, path });
  return delivered;
}

/** Puts all manifests that the keeper did not acknowledge into the folder `root` or, left out, onto the audit stick. Refuses with MEDIA-*, STICK-*. */
export async function exportAudit(parts: Parts, root?: string): Promise<{ path: string; numbers: readonly number[] }> {
  const { manifests } = await parts.signer.status();
  if (manifests.unacknowledged === 0) return { path: "coldseal/audit", numbers: [] };
  const files = parts.signer.audit(manifests.last - manifests.unacknowledged + 1);
  const write = (to: string) => parts.media.writeAudit({ root: to, files, signal: parts.stop });
  const { path, numbers } = await onStick(parts, "audit", root, write);
  parts.log.info({ numbers: numbers.length }, "manifests written for the keeper");
  return { path, numbers: numbers.map(Number) };
}

/** Writes to a folder that was named, or to the one of the settings; or by the mount helper, which puts the stick away, mounts it anew, and lets it be read again. */
async function onStick<T extends { readonly path: string }>(
  { media, settings, sticks }: Parts,
  role: "audit" | "out",
  root: string | undefined,
  write: (root: string) => Promise<T>,
): Promise<T & { readonly remounted?: boolean }> {
  if (root !== undefined || !sticks) return write(root ?? settings.media[role]);
  return sticks.writing(role, (folder) => media.folderDigest(folder), write);
}

async function tellSigner(
  { signer }: Parts,
  answer: Answer,
  { path, files, bytes, device, remounted = false }: Delivered & { readonly remounted?: boolean },
): Promise<void> {
  if (answer.kind !== "receipt") return;
  const media = { bytes, device, files, kind: remounted ? "stick" : "folder", path, remounted };
  if (answer.of === "already") await signer.note("receipt-again", { ...media, number: answer.number });
  else await signer.released(answer.number, media);
}

async function remember({ answered, book }: Parts, state: BatchState, answer: Answer): Promise<void> {
  if (state.fingerprint === null) return;
  await answered.add({
    at: book.moment.utc,
    batchDigest: state.digest,
    fingerprint: state.fingerprint,
    folder: state.folder,
    outcome: outcomeOf(answer),
    refusal: answer.kind === "refusal" ? { code: answer.refusal.code, message: plainMessage(answer.refusal) } : null,
  });
}

function isStoreFault(fault: unknown): boolean {
  if (fault instanceof Refusal && fault.code === "STORE") return true;
  throw fault;
}

function outcomeOf(answer: Answer): "released" | "refused" | "rejected" | "aborted" {
  if (answer.kind === "refusal") return "refused";
  if (answer.kind === "ending") return answer.as;
  return answer.of === "aborted" ? "aborted" : "released";
}

/** Release never waits for the keeper's stick: where it is there it gets its manifests, else `export --audit` does. */
async function auditToo(parts: Parts): Promise<void> {
  const { settings, sticks } = parts;
  if (!(sticks ? sticks.has("audit") : existsSync(settings.media.audit))) return;
  try {
    await exportAudit(parts);
  } catch (fault) {
    const { code, message } = asRefusal(fault, "INTERNAL", "the keeper's stick was not written");
    parts.log.warn({ code }, message);
  }
}
