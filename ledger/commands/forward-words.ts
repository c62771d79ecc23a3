/** Asking a person whether a stopped state may be moved forward: what is known here, what only they can know, and an exact Yes. */

import { openPrompter } from "../../host/terminal/prompter.ts";
import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { shown } from "../../manifests/records/names.ts";
import type { SignedHead } from "../signed-heads/signed-heads.ts";

/** `next` of size 0: nothing was ever signed. */
export async function agreedToForward(who: string, log: string, now: SignedHead, next: TreeHead): Promise<boolean> {
  const prompter = openPrompter(process.stdin, process.stderr);
  const lines = [
    `${shown(who)}, for the log ${shown(log)}`,
    `  it is stopped: ${now.stopped === null ? "no" : shown(now.stopped)}`,
    `  its state:     size ${now.size}, root ${now.root.toHex()}`,
    `  your newest:   ${next.size === 0 ? "none was ever signed" : `size ${next.size}, root ${next.root.toHex()}`}`,
    "Nothing here can tell whether a larger tree was ever signed. If one was, two histories of this log",
    "could now be signed: look at each place where checkpoints are published, and ask the other witnesses.",
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
  const asked = next.size === 0 ? "Was nothing ever signed?" : "Is this the newest that was ever signed?";
  try {
    return (await prompter.line(`${asked} Type Yes to move the state to it: `)) === "Yes";
  } finally {
    prompter.close();
  }
}
