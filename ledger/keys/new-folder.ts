/** A folder that is there whole or not at all: what holds keys and what they signed last is made beside its place, then moved there. */

import { existsSync } from "node:fs";
import { makeFolder, moveDurable, removeDurable, syncTree } from "../../host/durable.ts";
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

/** Lets `fill` write into a new folder, then moves it to `path`; durable on return. What was cut short before is removed. Refuses CONFIG where something is at `path`, STORE, and what `fill` refuses. */
export async function newFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  checkNoFolder(path);
  await wholeFolder(path, fill);
}

/** As `newFolder`, where the caller looked that nothing is at `path`, or an empty folder. */
export async function wholeFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const begun = begunFolder(path);
  await removeDurable(begun);
  await makeFolder(begun);
  await fill(begun);
  await syncTree(begun);
  await moveDurable(begun, path);
}
