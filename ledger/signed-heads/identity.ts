/**
 * Which file on which file system a path names, and when it was changed last. A file that was copied back from a backup, or a folder that was moved to another disk, has
 * another device, inode or time of birth; one that was written over in place has another time of change (ctime), which nobody can set. A whole file system that was put
 * back (a snapshot, a virtual machine) has all of them: that the counter tells, where it is kept elsewhere.
 */

import { closeSync, openSync, readSync, statSync } from "node:fs";

export function fileIdentity(path: string): string {
  const { birthtimeNs, dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** Nanoseconds, as text. */
export function lastChange(path: string): string {
  return String(statSync(path, { bigint: true }).ctimeNs);
}

/** What a rollback journal begins with while it holds something (https://www.sqlite.org/fileformat2.html, 3). */
const journalMagic = "d9d505f920a163d7";

/** Whether a transaction was cut in the middle: opening the database undoes it, which changes the file. */
export function wasCut(path: string): boolean {
  const head = Buffer.alloc(8);
  try {
    const journal = openSync(`${path}-journal`, "r");
    readSync(journal, head);
    closeSync(journal);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== "ENOENT") throw fault;
  }
  return head.toString("hex") === journalMagic;
}
