/** The folder of one ingest's private copies, beside the store. What a killed ingest left is removed by the next one. */

import { mkdir, mkdtemp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../../host/remove-tree.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** Runs `work` with a folder of its own, which is gone afterwards. Refuses STORE. */
export async function inWorkFolder<T>(ledger: string, work: (folder: string) => Promise<T>): Promise<T> {
  const all = join(ledger, "copies");
  const folder = await made(all).catch((cause: NodeJS.ErrnoException) => {
    throw new Refusal("STORE", `no folder for private copies (${cause.code ?? cause.message})`, { about: all, cause });
  });
  try {
    return await work(folder);
  } finally {
    await removeTree(folder);
  }
}

async function made(all: string): Promise<string> {
  await mkdir(all, { recursive: true, mode: 0o700 });
  for (const name of await readdir(all)) if (!isRunning(name)) await removeTree(join(all, name));
  return mkdtemp(join(all, `${process.pid}-`));
}

/** Of a process that runs: its ingest may still be at work. */
function isRunning(name: string): boolean {
  const pid = Number(/^(\d{1,10})-/.exec(name)?.[1] ?? 0);
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === "EPERM";
  }
}
