/** Whether two folders hold the same files with the same bytes. */

import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { openNamed } from "../host/named-file.ts";
import { readPieces } from "../host/read-file.ts";

/** Compares `copy` with `target`, where what stands in its folder `more` was added and does not count; "absent" when `target` is not there. */
export async function sameFolder(copy: string, target: string, more: string): Promise<"same" | "different" | "absent"> {
  if (!(await stat(target).catch(() => undefined))) return "absent";
  const ours = await filesBelow(copy);
  const theirs = (await filesBelow(target)).filter((name) => !name.startsWith(`${more}/`) || ours.includes(name));
  if (ours.join("\n") !== theirs.join("\n")) return "different";
  for (const name of ours) {
    if ((await digest(join(copy, name))) !== (await digest(join(target, name)))) return "different";
  }
  return "same";
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => !one.isDirectory())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .sort();
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of readPieces(openNamed(path))) hash.update(piece);
  return hash.digest("hex");
}
