/** Names that the box writes to sticks: lower case, so that no two are one on FAT (T26). */

import { checkDocumentName, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";

/**
 * The names of a path `FOLDER/…/FILE`. Refuses with MEDIA-NAME unless there are 2 to 8, each of `[a-z0-9._-]`, not
 * reserved by FAT, without trailing dot. There is no `~`, so none can be the short name of another; lower-case names
 * of this alphabet collide only when equal, which exclusive creation refuses.
 */
export function outputNames(path: string): readonly string[] {
  const names = path.split("/");
  if (names.length < 2 || names.length > 8 || !names.every(isOutputName)) {
    throw new Refusal("MEDIA-NAME", `${shown(path)} cannot be written to a stick`, { about: path });
  }
  return names;
}

function isOutputName(name: string): boolean {
  if (!/^[a-z0-9._-]{1,255}$/.test(name)) return false;
  try {
    checkDocumentName(name);
    return true;
  } catch {
    return false;
  }
}
