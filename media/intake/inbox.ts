/** Finding the way on a stick: `coldseal/inbox/BATCH`, `coldseal/control/in`. */

import { closeSync } from "node:fs";
import { openFolderBelow, openFolderIn, openRoot } from "../../host/no-follow.ts";
import { checkBatchFolder } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** Runs `work` in a folder of the stick, by descriptor; `work` gets undefined where the stick has no such folder. */
export async function onStick<T>(
  root: string,
  folder: "inbox" | "control/in",
  work: (folder: number | undefined) => Promise<T>,
): Promise<T> {
  const top = openRoot(root);
  try {
    return await closing(openFolderBelow(top, ["coldseal", ...folder.split("/")]), work);
  } finally {
    closeSync(top);
  }
}

/** Runs `work` in one batch folder. Refuses with MEDIA-NAME a name that is none, MEDIA-READ when it is not there. */
export async function inBatch<T>(root: string, name: string, work: (batch: number) => Promise<T>): Promise<T> {
  checkBatchFolder(name);
  return onStick(root, "inbox", async (inbox) => {
    const batch = inbox === undefined ? undefined : openFolderIn(inbox, name);
    return closing(batch, async (opened) => {
      if (opened === undefined) throw new Refusal("MEDIA-READ", `folder ${name} is gone`, { about: name });
      return work(opened);
    });
  });
}

/** Runs `work` with an open descriptor and closes it. */
export async function closing<T>(
  folder: number | undefined,
  work: (folder: number | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await work(folder);
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}
