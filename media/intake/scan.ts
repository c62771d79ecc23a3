/** Looking at a stick without reading any file: which batches stand in its inbox, and whether they still change. */

import { createHash } from "node:crypto";
import { closeSync } from "node:fs";
import { kindOf, openFolderIn, wrongKind } from "../../host/no-follow.ts";
import { checkBatchFolder } from "../../manifests/records/names.ts";
import { asRefusal, Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { type Entry, isLeftByDesktop, listEntries, sizeOf } from "./entries.ts";
import { onStick } from "./inbox.ts";
import { limits } from "./limits.ts";
import type { Watch } from "./watch.ts";

export interface BatchSeen {
  readonly folder: string;
  /** hex SHA-256 over path, kind, size and time of change of every entry: equal as long as nothing changed */
  readonly fingerprint: string;
  readonly files: number;
  readonly bytes: number;
}

export interface Seen {
  readonly batches: readonly BatchSeen[];
  /** entries of the inbox that are no batch, and why; at most `limits.oddReported` */
  readonly odd: readonly { readonly name: string; readonly refusal: RefusalRecord }[];
  readonly oddCount: number;
  /** files of control/in, the first by name; at most `limits.controlReported` */
  readonly control: readonly { readonly name: string; readonly size: number }[];
  /** how many there are; one more than `limits.inboxEntries` where there are more than that */
  readonly controlCount: number;
}

/** Looks at the stick under `root`. Refuses with MEDIA-LIMIT (an inbox beyond the caps), MEDIA-TIME, MEDIA-READ, MEDIA-KIND. */
export async function scan(root: string, watch: Watch): Promise<Seen> {
  const inbox = await onStick(root, "inbox", async (folder) => scanInbox(folder, watch));
  const control = await onStick(root, "control/in", async (folder) => scanControl(folder, watch));
  return { ...inbox, ...control };
}

/** The fingerprint of one batch folder now. Refuses as `scan`. */
export function fingerprintOf(root: string, folder: string, watch: Watch): Promise<string> {
  return onStick(root, "inbox", async (inbox) => {
    if (inbox === undefined) throw new Refusal("MEDIA-READ", "the inbox vanished", { about: folder });
    return look(inbox, folder, limits.scanEntries, watch).seen.fingerprint;
  });
}

function scanInbox(inbox: number | undefined, watch: Watch): Omit<Seen, "control" | "controlCount"> {
  const batches: BatchSeen[] = [];
  const odd: { name: string; refusal: RefusalRecord }[] = [];
  let oddCount = 0;
  let entriesLeft: number = limits.scanEntries;
  if (inbox === undefined) return { batches, odd, oddCount };
  const noteOdd = (refusal: Refusal, name: string) => {
    oddCount++;
    if (odd.length < limits.oddReported) odd.push({ name, refusal: refusal.toRecord() });
  };
  for (const entry of listEntries(inbox, limits.inboxEntries, watch, noteOdd)) {
    if (isLeftByDesktop(entry)) continue;
    try {
      checkBatchEntry(entry);
      if (batches.length === limits.batchesReported) {
        throw new Refusal("MEDIA-LIMIT", "more batches than one stick may hold");
      }
      const { entries, seen } = look(inbox, entry.name, entriesLeft, watch);
      entriesLeft -= entries;
      batches.push(seen);
    } catch (fault) {
      const refusal = asRefusal(fault, "MEDIA-READ", "the batch folder cannot be read");
      if (refusal.code === "MEDIA-TIME" || refusal.code === "STOPPED") throw refusal;
      noteOdd(refusal, entry.name);
    }
  }
  batches.sort((a, b) => (a.folder < b.folder ? -1 : 1));
  return { batches, odd, oddCount };
}

function checkBatchEntry({ name, stat }: Entry): void {
  const kind = kindOf(stat);
  if (kind !== "folder") throw wrongKind(name, "a folder", `a ${kind}`);
  checkBatchFolder(name);
}

function look(inbox: number, folder: string, entriesLeft: number, watch: Watch): { entries: number; seen: BatchSeen } {
  const lines: string[] = [];
  let files = 0;
  let bytes = 0;
  const note = (path: string, { stat }: Entry) => {
    lines.push(`${path}\0${kindOf(stat)}\0${stat.size}\0${stat.mtimeNs}\n`);
    if (!stat.isFile()) return;
    files++;
    bytes = Math.min(Number.MAX_SAFE_INTEGER, bytes + sizeOf(stat));
  };
  eachEntry(inbox, folder, Math.min(limits.documentEntries, entriesLeft), watch, (entry, batch) => {
    note(entry.name, entry);
    if (entry.name !== "documents" || kindOf(entry.stat) !== "folder") return;
    const maximum = Math.min(limits.documentEntries, entriesLeft);
    eachEntry(batch, "documents", maximum, watch, (document) => note(`documents/${document.name}`, document));
  });
  const fingerprint = createHash("sha256");
  for (const line of lines.sort()) fingerprint.update(line);
  return { entries: lines.length, seen: { folder, fingerprint: fingerprint.digest("hex"), files, bytes } };
}

/** Visits the entries of a folder with the folder's descriptor; nothing when it vanished. */
function eachEntry(
  parent: number,
  name: string,
  maximum: number,
  watch: Watch,
  visit: (entry: Entry, folder: number) => void,
): void {
  const folder = openFolderIn(parent, name);
  if (folder === undefined) return;
  try {
    for (const entry of listEntries(folder, maximum, watch)) visit(entry, folder);
  } finally {
    closeSync(folder);
  }
}

/** Names and sizes only; what is wrong with a file is said when it is read. More than are reported come when the first are taken away. */
function scanControl(folder: number | undefined, watch: Watch): Pick<Seen, "control" | "controlCount"> {
  const files: { name: string; size: number }[] = [];
  let over = 0;
  if (folder === undefined) return { control: files, controlCount: 0 };
  try {
    for (const entry of listEntries(folder, limits.inboxEntries, watch, () => undefined)) {
      if (!isLeftByDesktop(entry)) files.push({ name: entry.name, size: sizeOf(entry.stat) });
    }
  } catch (fault) {
    // Too many here keep no batch waiting.
    if (!(fault instanceof Refusal && fault.code === "MEDIA-LIMIT")) throw fault;
    over = limits.inboxEntries + 1;
  }
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { control: files.slice(0, limits.controlReported), controlCount: Math.max(over, files.length) };
}
