/** The folder of the spool that a batch is taken into. */

import { mkdirSync, readdirSync, statfsSync } from "node:fs";
import { Refusal } from "../../manifests/refusal.ts";

/** Where intake has a user of its own, the daemon takes what it made as a member of the spool's group; others reach none of it, as the spool is closed to them. */
export const fileMode = 0o640;
export const folderMode = 0o770;

/** Makes the folder; one that is there must be empty. Refuses with STORE. */
export function makeEmptyFolder(path: string): void {
  try {
    mkdirSync(path, { mode: folderMode });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST" && readdirSync(path).length === 0) return;
    throw new Refusal("STORE", "the spool's folder cannot be used", { about: path, cause });
  }
}

/** Refuses with STORE unless there is room for all of it, each file rounded up to a block: asked before gigabytes are read. */
export function checkSpool(into: string, count: number, bytes: number): void {
  const { bavail, bsize } = statfsSync(into);
  const wanted = bytes + count * bsize;
  if (bavail * bsize >= wanted) return;
  throw new Refusal("STORE", "the spool has too little space for the batch", {
    expected: `${wanted} bytes`,
    got: `${bavail * bsize} bytes`,
  });
}
