/** A command of the ledger that is killed (SIGKILL) in the middle. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { projectRoot } from "../../demo/project-root.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { DrillContext } from "./drill.ts";

/** Kills it when `now` says so; false: it came to its end before, with exit status 0. Refuses DRILL one that ends otherwise. */
export async function killedWhen(
  { signal }: DrillContext,
  args: readonly string[],
  now: (state: { readonly printed: string }) => boolean,
): Promise<boolean> {
  signal.throwIfAborted();
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const child = spawn(process.execPath, [join(projectRoot, "desk/main.ts"), "ledger", ...args], { stdio: [...stdio] });
  let printed = "";
  let said = "";
  child.stdout?.on("data", (text: Buffer) => {
    printed += text;
    if (now({ printed })) child.kill("SIGKILL");
  });
  child.stderr?.on("data", (text: Buffer) => {
    said += text;
  });
  let over = false;
  const end = new Promise<number | string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, by) => {
      over = true;
      resolve(by ?? status ?? 1);
    });
  });
  while (!over) {
    if (now({ printed }) || signal.aborted) child.kill("SIGKILL");
    await Promise.race([end, passed(2)]);
  }
  const ended = await end;
  if (ended === "SIGKILL") return true;
  if (ended === 0) return false;
  const expected = `coldseal ledger ${args[0]} to end by itself or by SIGKILL`;
  throw new Refusal("DRILL", "a command that was to be killed ended otherwise", { expected, got: `${ended}: ${said}` });
}
