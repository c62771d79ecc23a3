/** What takes long to make is kept in .cache/vm, by what it is made of: one of each name. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../demo/project-root.ts";

const cache = join(projectRoot, ".cache/vm");

/** The folder for what is made `of` this; whether it is there is the caller's to see. */
export function folderOf(name: string, of: string): string {
  return join(cache, `${name}-${digest(of).slice(0, 12)}`);
}

/** Removes what was made under this name before. */
export function forget(name: string): void {
  mkdirSync(cache, { recursive: true });
  for (const old of readdirSync(cache).filter((one) => one.startsWith(`${name}-`))) {
    rmSync(join(cache, old), { recursive: true, force: true });
  }
}

/** The folder that `make` fills, once for what it is made `of`: whole, or not at all. */
export async function kept(name: string, of: string, make: (to: string) => void | Promise<void>): Promise<string> {
  const folder = folderOf(name, of);
  if (existsSync(folder)) return folder;
  forget(name);
  await inScratch(async (making) => {
    const to = join(making, "made");
    await make(to);
    renameSync(to, folder);
  });
  return folder;
}

/** Does work in a folder of its own, on the file system of what is kept. */
export async function inScratch<T>(work: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(cache, "making-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function digest(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
