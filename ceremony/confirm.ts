/** What a person types before something is signed: two groups of words from the slip, or the count where there is none, and an exact `Yes`. */

import { matchesGroup } from "../manifests/encoding/words.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";

const triesEach = 3;

/** Asks for the groups that stay blank on the screen. Refuses with SLIP-WORDS when they are not those of the digest. */
export async function askGroups(sitting: Sitting, digest: Uint8Array, groups: readonly number[]): Promise<void> {
  for (const group of groups) await askGroup(sitting, digest, group);
}

async function askGroup(sitting: Sitting, digest: Uint8Array, group: number): Promise<void> {
  const tries = sitting.prompter.interactive ? triesEach : 1;
  for (let left = tries; left > 0; left--) {
    const typed = await sitting.prompter.line(`Type group ${group} of the slip (two words): `);
    if (matchesGroup(digest, group, typed)) return;
    if (left > 1) sitting.output.say(`Those are not the words of group ${group}. Look at the slip again.`);
  }
  throw new Refusal("SLIP-WORDS", `the words of group ${group} are not those of this batch`, {
    expected: `group ${group} of this batch's digest, from the submitter's slip`,
    got: "other words",
  });
}

/** Asks for the count of documents where there is no slip. Refuses with DOCUMENT-COUNT another one than `count`. */
export async function askCount(sitting: Sitting, count: number): Promise<void> {
  const tries = sitting.prompter.interactive ? triesEach : 1;
  for (let left = tries; left > 0; left--) {
    const typed = await sitting.prompter.line("Type the exact count of documents: ");
    if (typed.trim() === String(count)) return;
    if (left > 1) sitting.output.say("That is not the count of this batch. Look at what you were told again.");
  }
  throw new Refusal("DOCUMENT-COUNT", "the count that was typed is not that of this batch", {
    expected: "the exact count of documents, in decimal digits",
    got: "another count",
  });
}

/** Asks for the exact word; true when it came. */
export async function askYes(sitting: Sitting, what: string): Promise<boolean> {
  const { token, prompter, person } = sitting;
  const who = `as ${person} with token ${shown(token.label)} (serial ${shown(token.serial)})`;
  return (await prompter.line(`Type Yes to ${what} ${who}, anything else to stop: `)) === "Yes";
}
