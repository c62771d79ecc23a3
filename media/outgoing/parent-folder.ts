/** The folder that answers are placed in. */

import { closeSync } from "node:fs";
import { makeFolderIn, openRoot } from "../../host/no-follow.ts";

/** Makes folders below a root where they are missing, and opens the last one. Throws errors of the system; MEDIA-KIND for links. */
export function makeBelow(root: string, names: readonly string[]): number {
  let at = openRoot(root);
  for (const name of names) {
    try {
      const next = makeFolderIn(at, name);
      closeSync(at);
      at = next;
    } catch (fault) {
      closeSync(at);
      throw fault;
    }
  }
  return at;
}
