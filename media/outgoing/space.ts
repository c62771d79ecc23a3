/** Whether a stick has room, asked before anything is written. */

import { statfs } from "node:fs/promises";
import { Refusal } from "../../manifests/refusal.ts";

export interface Needs {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Refuses with MEDIA-FULL unless so many files of so many bytes in all fit, each rounded up to a block, and with
 * MEDIA-WRITE when the stick is not there.
 */
export async function checkSpace(root: string, needs: Needs): Promise<void> {
  const { bavail, bsize } = await spaceOf(root);
  const wanted = needs.bytes + needs.files * bsize;
  if (bavail * bsize >= wanted) return;
  throw new Refusal("MEDIA-FULL", "the stick has too little space", {
    expected: `${wanted} bytes`,
    got: `${bavail * bsize} bytes`,
    about: root,
  });
}

async function spaceOf(root: string) {
  try {
    return await statfs(root);
  } catch (cause) {
    throw new Refusal("MEDIA-WRITE", "the stick is not there", { about: root, cause });
  }
}
