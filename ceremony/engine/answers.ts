/** What an answer must be, whoever types it; and which groups of a digest are asked for. */

import { randomInt } from "node:crypto";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import { groupCount, matchesGroup } from "../../manifests/encoding/words.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Form } from "./scene.ts";

/** Refuses CEREMONY-STEP for anything but an exact Yes. */
export function checkYes(typed: string): void {
  if (typed === "Yes") return;
  throw new Refusal("CEREMONY-STEP", "it was not agreed to", { expected: "Yes", got: "another answer" });
}

/** The answer, without blanks around it. Refuses CEREMONY-STEP when it has another form. */
export function checkForm(typed: string, { pattern, expected }: Form): string {
  const text = typed.trim();
  if (pattern.test(text)) return text;
  throw new Refusal("CEREMONY-STEP", "the answer has another form", { expected, got: text.slice(0, 200) });
}

/** Refuses CEREMONY-STEP when the words are not those of the digest's group (hex, counted from 1). */
export function checkGroup(label: string, digest: string, group: number, typed: string): void {
  if (matchesGroup(fromHex(digest), group, typed)) return;
  throw new Refusal("CEREMONY-STEP", `the words of group ${group} are not those of the ${label}`, {
    expected: `group ${group} of the ${label}, as it was printed or written down`,
    got: "other words",
  });
}

/** Two groups that nobody knew before, in order. */
export function twoGroups(): readonly number[] {
  const first = randomInt(groupCount);
  const second = (first + 1 + randomInt(groupCount - 1)) % groupCount;
  return [first + 1, second + 1].sort((a, b) => a - b);
}
