/** Wires `coldseal ledger publish`: what is stored is signed, cosigned and published. */

import { bringOut } from "../checkpoints/bring-out.ts";
import { broughtOutJson, broughtOutLines } from "./checkpoint-words.ts";
import { type SigningOptions, withLog } from "./opened-log.ts";

/** Ends with WITNESS or STORE where it waits for witnesses or places; what was done by then stays done. */
export async function runPublish(
  folder: string,
  options: SigningOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  await withLog(folder, options, async ({ settings, ...opened }) => {
    tell("what was stored, signed or cosigned stays so");
    const out = await bringOut({ ...opened, settings });
    const lines = broughtOutLines(out, settings);
    process.stdout.write(options.json ? `${JSON.stringify(broughtOutJson(out))}\n` : `${lines.join("\n")}\n`);
    if (out.waiting) throw out.waiting;
  });
}
