/** Removing a folder of any size in little memory: Node's own `rm` asks for all files of a folder at once, and for long does nothing else. */

import { closeSync, constants, lstatSync, openSync, rmdirSync, unlinkSync } from "node:fs";
import { entryPath, namesIn, openFolderIn } from "./no-follow.ts";
import { turns } from "./read-file.ts";

/** So many names are held at a time. */
const namesAtOnce = 1000;

/**
 * Removes a file, a link, or a folder with all below it, if it is there; links are not followed. Gives way to other work.
 * Nothing is durable on return. Throws errors of the system; MEDIA-READ, MEDIA-KIND where something changes meanwhile.
 */
export async function removeTree(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) return absent(() => unlinkSync(path));
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await removeBelow(folder, turns());
  } finally {
    closeSync(folder);
  }
  absent(() => rmdirSync(path));
}

async function removeBelow(folder: number, giveWay: () => Promise<void>): Promise<void> {
  for (let names = firstNames(folder); names.length > 0; names = firstNames(folder)) {
    for (const name of names) {
      await giveWay();
      await removeIn(folder, name, giveWay);
    }
  }
}

async function removeIn(folder: number, name: string, giveWay: () => Promise<void>): Promise<void> {
  const path = entryPath(folder, name);
  try {
    return absent(() => unlinkSync(path));
  } catch (fault) {
    // Linux says EISDIR, POSIX EPERM.
    const { code } = fault as NodeJS.ErrnoException;
    if (code !== "EISDIR" && code !== "EPERM") throw fault;
  }
  const inner = openFolderIn(folder, name);
  if (inner === undefined) return;
  try {
    await removeBelow(inner, giveWay);
  } finally {
    closeSync(inner);
  }
  absent(() => rmdirSync(path));
}

function firstNames(folder: number): string[] {
  const names: string[] = [];
  for (const name of namesIn(folder)) if (names.push(name) === namesAtOnce) break;
  return names;
}

/** What somebody else removed meanwhile is removed. */
function absent(remove: () => void): void {
  try {
    remove();
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== "ENOENT") throw fault;
  }
}
