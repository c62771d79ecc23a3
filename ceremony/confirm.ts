/** What a person types before something is signed: two groups of words from the slip, and an exact `Yes`. */

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

/** Asks for the exact word; true when it came. */
export async function askYes(sitting: Sitting, what: string): Promise<boolean> {
  const { token, prompter, person } = sitting;
  const who = `as ${person} with token ${shown(token.label)} (serial ${shown(token.serial)})`;
  return (await prompter.line(`Type Yes to ${what} ${who}, anything else to stop: `)) === "Yes";
}
