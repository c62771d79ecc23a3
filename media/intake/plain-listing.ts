/** What stands in a folder of plain envelopes, by name and size, before any envelope is opened; and how many READY says there are. */

import { closeSync, readSync } from "node:fs";
import { checkPlain, openFileIn, statIn } from "../../host/no-follow.ts";
import { collisionKey, shown } from "../../manifests/records/names.ts";
import { inFileOrder, isEnvelopeFile } from "../../manifests/records/plain-names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { isLeftByDesktop, listEntries, sizeOf } from "./entries.ts";
import type { Watch } from "./watch.ts";

export interface EnvelopeFile {
  readonly file: string;
  readonly size: number;
}

export interface PlainListing {
  /** in the order of their names' bytes */
  readonly envelopes: readonly EnvelopeFile[];
  /** what READY says; undefined while it is not there, or empty */
  readonly ready: number | undefined;
  /** files that desktops leave */
  readonly ignored: readonly string[];
}

const readyFile = "READY";
/** A count, a line end. */
const readyBytes = 16;

/** Whether a batch folder is one of plain envelopes: READY without batch.p7m, or envelopes with neither batch.p7m nor documents. */
export function holdsPlainEnvelopes(batch: number, watch: Watch): boolean {
  if (statIn(batch, "batch.p7m")) return false;
  if (statIn(batch, readyFile)) return true;
  if (statIn(batch, "documents")) return false;
  for (const { name } of listEntries(batch, Number.POSITIVE_INFINITY, watch, () => undefined)) {
    if (isEnvelopeFile(name)) return true;
  }
  return false;
}

/**
 * Lists an open folder of plain envelopes. Refuses with MEDIA-KIND anything but plain files, MEDIA-NAME a name that FAT takes for READY,
 * DOCUMENT-EXTRA what is no envelope, MEDIA-LIMIT more than `maximum` entries, DOCUMENT-COUNT a READY that holds no count.
 */
export function listPlain(batch: number, maximum: number, watch: Watch): PlainListing {
  const envelopes: EnvelopeFile[] = [];
  const ignored: string[] = [];
  for (const entry of listEntries(batch, maximum, watch)) {
    const { name, stat } = entry;
    if (name === "documents") throw extra(name);
    checkPlain(stat, name);
    if (name === readyFile) continue;
    if (collisionKey(name) === collisionKey(readyFile)) {
      throw new Refusal("MEDIA-NAME", `${shown(name)} must be named ${readyFile}`, {
        expected: readyFile,
        about: name,
      });
    }
    if (isLeftByDesktop(entry)) ignored.push(name);
    else if (isEnvelopeFile(name)) envelopes.push({ file: name, size: sizeOf(stat) });
    else throw extra(name);
  }
  envelopes.sort((a, b) => inFileOrder(a.file, b.file));
  return { envelopes, ready: readCount(batch), ignored };
}

function readCount(batch: number): number | undefined {
  const file = openFileIn(batch, readyFile);
  if (!file) return undefined;
  try {
    const bytes = new Uint8Array(readyBytes + 1);
    const length = readSync(file.descriptor, bytes, 0, bytes.length, 0);
    if (length === 0) return undefined;
    const text = String.fromCharCode(...bytes.subarray(0, length));
    const [, count] = /^([1-9][0-9]{0,6})\r?\n?$/.exec(text) ?? [];
    if (count !== undefined) return Number(count);
    throw new Refusal("DOCUMENT-COUNT", "READY does not hold the count of the envelopes", {
      expected: "a whole number from 1, in decimal digits",
      got: shown(text),
      about: readyFile,
    });
  } finally {
    closeSync(file.descriptor);
  }
}

function extra(name: string): Refusal {
  return new Refusal("DOCUMENT-EXTRA", `${shown(name)} has no place among plain envelopes`, {
    expected: "envelopes (.p7m, .pem, .eml) and READY",
    about: name,
  });
}
