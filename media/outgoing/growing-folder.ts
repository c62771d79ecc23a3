/** Folders that grow: files are added to one that is there, each renamed in whole by itself; what is in it is never touched. */

import { closeSync } from "node:fs";
import { rename } from "node:fs/promises";
import { syncFolder } from "../../host/durable.ts";
import { entryPath, openFolderIn, statIn } from "../../host/no-follow.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** A folder by its name in an open one, without following a link. */
type Place = readonly [parent: number, folder: string];

export interface FromTo {
  readonly from: Place;
  readonly to: Place;
}

/**
 * Whether `names`, a file right below the folder `names[0]` of an open one, is not there yet; then its name is noted in `added`. Refuses with
 * MEDIA-NAME one that is further down, or is given twice.
 */
export function isNew(parent: number, names: readonly string[], added: Set<string>): boolean {
  const [folder, name, ...rest] = names;
  if (folder === undefined || name === undefined || rest.length > 0 || added.has(name)) {
    throw new Refusal("MEDIA-NAME", "not a file of its own in a folder that grows", { about: names.join("/") });
  }
  const there = opened([parent, folder]);
  try {
    if (statIn(there, name)) return false;
    added.add(name);
    return true;
  } finally {
    closeSync(there);
  }
}

/** Renames these files from one folder into the other; durable on return. Throws what the file system does. */
export async function moveFiles({ from, to }: FromTo, names: Iterable<string>): Promise<void> {
  await between(from, to, async (source, target) => {
    for (const name of names) await rename(entryPath(source, name), entryPath(target, name));
    await syncFolder(`/proc/self/fd/${target}`);
  });
}

/** Takes back what `moveFiles` moved, as far as it can. */
export async function moveBack({ from, to }: FromTo, names: Iterable<string>): Promise<void> {
  await between(to, from, async (source, target) => {
    for (const name of names) await rename(entryPath(source, name), entryPath(target, name)).catch(() => undefined);
  }).catch(() => undefined);
}

async function between(from: Place, to: Place, work: (from: number, to: number) => Promise<void>): Promise<void> {
  const source = opened(from);
  try {
    const target = opened(to);
    await work(source, target).finally(() => closeSync(target));
  } finally {
    closeSync(source);
  }
}

function opened([parent, folder]: Place): number {
  const descriptor = openFolderIn(parent, folder);
  if (descriptor !== undefined) return descriptor;
  throw new Refusal("MEDIA-WRITE", "a folder of the stick went away", { about: folder });
}
