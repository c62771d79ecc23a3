/** The folder of the spool that a batch is taken into. */

import { mkdirSync, readdirSync, statfsSync } from "node:fs";
import { Refusal } from "../../manifests/refusal.ts";

/** Makes the folder; one that is there must be empty. Refuses with STORE. */
export function makeEmptyFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
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
