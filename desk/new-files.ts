/** Files that a command makes in a folder that somebody named, and what it says of them. */

import { writeFile } from "node:fs/promises";
import { makeMissingFolders } from "../host/missing-folders.ts";
import { count } from "../host/terminal/amounts.ts";
import { shown } from "../manifests/records/names.ts";
import { fileFault } from "./file-fault.ts";

/** Makes the folder, if it is missing. Refuses as `fileFault`. */
export async function folderAt(path: string): Promise<void> {
  await makeMissingFolders(path).catch((fault) => {
    throw fileFault(fault, "write a file", path);
  });
}

/** Never over a file that is there. Refuses as `fileFault`. */
export async function writeNew(path: string, content: Uint8Array | string): Promise<void> {
  await writeFile(path, content, { flag: "wx" }).catch((fault) => {
    throw fileFault(fault, "write a file", path);
  });
}

/** Each of a few files, else how many of them there are in the folder. */
export function writtenLines(written: readonly string[], what: string, folder: string): readonly string[] {
  if (written.length > 0 && written.length <= 10) return written.map((file) => `Written: ${shown(file)}`);
  return [`Written: ${count(written.length, what)} in ${shown(folder)}`];
}

/** What holds when the command ends now. */
export function standText(written: number, what: string, folder: string): string {
  return `${count(written, what)} in ${shown(folder)} stand${written === 1 ? "s" : ""}`;
}
