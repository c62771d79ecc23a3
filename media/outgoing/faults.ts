/** What the errors of a stick that is written mean (T19, 20): full, not writable, or pulled out. */

import { stat, statfs } from "node:fs/promises";
import { Refusal } from "../../manifests/refusal.ts";

/** Space that a stick may have left and still be called full: folders and tables take some. */
const nearlyNothing = 1 << 20;

/** The device that a path stands on, `major:minor` and the inode of the folder that is its root. */
export async function deviceOf(root: string): Promise<string> {
  const { dev, ino } = await stat(root);
  return `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}/${ino}`;
}

/**
 * Runs work on the stick. Refusals pass; every other fault becomes MEDIA-FULL when the stick is still there and has no
 * space, else MEDIA-WRITE. A stick that was pulled out answers ENOSPC too, so its free space and device are asked for.
 */
export async function onMedia<T>(root: string, device: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (fault) {
    throw await mediaFault(root, device, fault);
  }
}

async function mediaFault(root: string, device: string, fault: unknown): Promise<Refusal> {
  if (fault instanceof Refusal && fault.code !== "STORE") return fault;
  const errno = errnoOf(fault);
  const now = await deviceOf(root).catch(() => undefined);
  if (now !== device) {
    return new Refusal("MEDIA-WRITE", "the stick was pulled out while it was written", {
      expected: device,
      got: now ?? "nothing",
      cause: fault,
    });
  }
  if (errno === "EDQUOT" || (errno === "ENOSPC" && (await hasNoSpace(root)))) {
    return new Refusal("MEDIA-FULL", "no space is left on the stick", { cause: fault });
  }
  if (errno === "ENOSPC") {
    const message = "the stick takes no more although it has space: it was pulled out, or a folder is full";
    return new Refusal("MEDIA-WRITE", message, { cause: fault });
  }
  return new Refusal("MEDIA-WRITE", `the stick cannot be written (${errno ?? "fault"})`, { cause: fault });
}

/** STORE comes from host/durable.ts with the error of the disk as its cause. */
function errnoOf(fault: unknown): string | undefined {
  const cause = fault instanceof Refusal ? fault.cause : fault;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

async function hasNoSpace(root: string): Promise<boolean> {
  const space = await statfs(root).catch(() => undefined);
  if (!space) return false;
  const noFiles = space.files > 0 && space.ffree === 0;
  return noFiles || space.bavail * space.bsize < nearlyNothing;
}
