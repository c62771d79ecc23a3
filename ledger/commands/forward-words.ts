/** Asking a person whether a stopped state may be moved forward: what is known here, what only they can know, and an exact Yes. */

import { openPrompter } from "../../host/terminal/prompter.ts";
import type { Checkpoint } from "../../manifests/log/checkpoint.ts";
import { shown } from "../../manifests/records/names.ts";
import type { SignedHead } from "../signed-heads/signed-heads.ts";

export async function agreedToForward(who: string, now: SignedHead, next: Checkpoint): Promise<boolean> {
  const prompter = openPrompter(process.stdin, process.stderr);
  const lines = [
    `${shown(who)}, for the log ${shown(next.origin)}`,
    `  it is stopped: ${now.stopped === null ? "no" : shown(now.stopped)}`,
    `  its state:     size ${now.size}, root ${now.root.toHex()}`,
    `  your newest:   size ${next.size}, root ${next.root.toHex()}`,
    "Nothing here can tell whether a larger tree was ever signed. If one was, two histories of this log",
    "could now be signed: look at each place where checkpoints are published, and ask the other witnesses.",
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
  try {
    return (
      (await prompter.line("Is this the newest that was ever signed? Type Yes to move the state to it: ")) === "Yes"
    );
  } finally {
    prompter.close();
  }
}
