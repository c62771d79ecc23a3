/** Paths of what lies in a folder and all below it, from that folder on, sorted. */

import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";

export function filesBelow(folder: string, which: (entry: Dirent) => boolean): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(which)
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
