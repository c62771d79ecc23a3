/** What stands in a batch folder, by name and size, before any file of it is opened. */

import { checkPlain, kindOf, openFolderIn, wrongKind } from "../../host/no-follow.ts";
import { collisionKey, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Entry, isLeftByDesktop, listEntries, sizeOf } from "./entries.ts";
import { closing } from "./inbox.ts";
import { limits } from "./limits.ts";
import type { Watch } from "./watch.ts";

export interface DocumentSeen {
  readonly size: number;
  readonly leftByDesktop: boolean;
  /** set once the request's list names it */
  listed: boolean;
}

export interface BatchListing {
  readonly documents: ReadonlyMap<string, DocumentSeen>;
  /** files beside batch.p7m and documents */
  readonly extra: readonly string[];
  /** files beside them that desktops leave */
  readonly ignored: readonly string[];
}

/**
 * Lists an open batch folder and its `documents`. Refuses with MEDIA-KIND anything but plain files and the one folder
 * `documents`, MEDIA-NAME a name that FAT takes for one of the two, MEDIA-LIMIT more than `maximum` documents.
 */
export async function listBatch(batch: number, maximum: number, watch: Watch): Promise<BatchListing> {
  const extra: string[] = [];
  const ignored: string[] = [];
  for (const entry of listEntries(batch, limits.batchEntries, watch)) {
    if (entry.name === "documents") checkFolder(entry);
    else {
      checkPlain(entry.stat, entry.name);
      if (entry.name === "batch.p7m") continue;
      if (isLeftByDesktop(entry)) ignored.push(entry.name);
      else extra.push(distinctName(entry.name));
    }
  }
  const documents = await closing(openFolderIn(batch, "documents"), async (folder) =>
    folder === undefined ? new Map() : listDocuments(folder, maximum, watch),
  );
  return { documents, extra, ignored };
}

function listDocuments(folder: number, maximum: number, watch: Watch): Map<string, DocumentSeen> {
  const documents = new Map<string, DocumentSeen>();
  for (const entry of listEntries(folder, Math.min(maximum, limits.documentEntries), watch)) {
    checkPlain(entry.stat, entry.name);
    documents.set(entry.name, { size: sizeOf(entry.stat), leftByDesktop: isLeftByDesktop(entry), listed: false });
  }
  return documents;
}

function checkFolder({ name, stat }: Entry): void {
  const kind = kindOf(stat);
  if (kind !== "folder") throw wrongKind(name, "a folder", `a ${kind}`);
}

function distinctName(name: string): string {
  const key = collisionKey(name);
  if (key !== "batch.p7m" && key !== "documents") return name;
  throw new Refusal("MEDIA-NAME", `${shown(name)} must be named ${key}`, { expected: key, got: name, about: name });
}
