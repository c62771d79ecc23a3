/** A folder that is there whole or not at all: what holds keys and what they signed last is made beside its place, then moved there. */

import { closeSync, constants, existsSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { makeFolder, moveDurable, removeDurable, syncTree } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { takeLock } from "../../host/file-lock.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** Where a folder is made before it is moved to its place; what was cut short is there still. */
export const begunFolder = (path: string) => `${path}.new`;

/** Refuses CONFIG where something is at `path`. */
export function checkNoFolder(path: string): void {
  if (!existsSync(path)) return;
  throw new Refusal("CONFIG", "keys were made there already: none are made in the place of others", {
    expected: "a folder that is not there yet",
    about: path,
  });
}

/**
 * Lets `fill` write into a new folder, then moves it to `path`; durable on return. What was cut short before is removed. Refuses CONFIG where something is at `path`, BUSY where another
 * process makes keys beside it, STORE, and what `fill` refuses.
 */
export async function newFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  await onlyMaker(path, async () => {
    checkNoFolder(path);
    await wholeFolder(path, fill);
  });
}

/**
 * Runs `work` while nobody else makes keys or restores a ledger in the folder that `path` is in: what stands at `begunFolder` was cut short then, and may be removed. Ends with the process. Refuses BUSY
 * where another one does, STORE, CONFIG.
 */
export async function onlyMaker<T>(path: string, work: () => Promise<T>): Promise<T> {
  const folder = dirname(resolve(path));
  await makeFolder(folder);
  const descriptor = opened(folder);
  try {
    if (takeLock(descriptor, 0)) return await work();
    throw new Refusal("BUSY", "another process makes keys or a ledger there: nothing is made beside it", {
      expected: "one at a time",
      about: folder,
    });
  } finally {
    closeSync(descriptor);
  }
}

function opened(folder: string): number {
  try {
    return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    throw new Refusal("STORE", `the folder cannot be opened: ${faultWords(cause)}`, { about: folder, cause });
  }
}

/** As `newFolder`, where the caller looked that nothing is at `path`, or an empty folder, and that nobody else makes it. */
export async function wholeFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const begun = begunFolder(path);
  await removeDurable(begun);
  await makeFolder(begun);
  await fill(begun);
  await syncTree(begun);
  await moveDurable(begun, path);
}
