/** The file system's own attributes against changes (chattr(1)): folders to which names are only added, files that stay as they are. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { AppendOnly } from "./place.ts";

const run = promisify(execFile);
/** Paths handed to one process. */
const atOnce = 500;

/** Only root may, and not on every file system. Says why it cannot; then nothing is lost but this. */
export async function makeAppendOnly(files: readonly string[], folders: readonly string[]): Promise<AppendOnly> {
  try {
    await changeAttributes("+i", files);
    await changeAttributes("+a", folders);
    return "set";
  } catch (fault) {
    const said = String((fault as { readonly stderr?: unknown }).stderr ?? "").trim();
    return { cannot: (said || (fault as Error).message).split("\n")[0]?.slice(0, 200) ?? "" };
  }
}

async function changeAttributes(change: "+i" | "+a", paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += atOnce)
    await run("chattr", [change, "--", ...paths.slice(at, at + atOnce)]);
}
