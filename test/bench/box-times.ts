/** When things happened at the box, by the daemon's own log. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Box } from "../../demo/launcher.ts";

/** Milliseconds since 1970 of the last line with this message about this folder; waits for it up to ten minutes. */
export async function timeOf({ box }: { readonly box: Box }, folder: string, message: string): Promise<number> {
  const log = join(box.settings.log, "daemon.log");
  const deadline = Date.now() + 600_000;
  while (Date.now() < deadline) {
    const lines = readFileSync(log, "utf8").split("\n");
    const line = lines.findLast((one) => one.includes(`"folder":"${folder}"`) && one.includes(`"msg":"${message}"`));
    if (line) return Date.parse((JSON.parse(line) as { readonly time: string }).time);
    await setTimeout(20);
  }
  throw new Error(`the daemon never logged "${message}" about ${folder}`);
}
