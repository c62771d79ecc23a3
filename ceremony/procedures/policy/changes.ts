/** What a policy changes against the one before, in words for those who sign it. Pure. */

import { shown } from "../../../manifests/records/names.ts";
import type { Person, Policy } from "../../../manifests/records/policy.ts";
import { certificatesWords, personWords, policyWords } from "./policy-words.ts";

/** A line for each change; people by id. */
export function policyChanges(before: Policy, after: Policy): string[] {
  const lines = [...peopleChanges(before.people, after.people), ...memberChanges(before, after)];
  return lines.length === 0 ? ["Nothing changes but the number."] : lines;
}

/** For the record, which holds no longer text; the policy itself is kept beside it, by its digest. */
export function factOf(changes: readonly string[]): string {
  const whole = changes.join("; ");
  return whole.length <= longestFact ? whole : `${whole.slice(0, longestFact - 40)} ... and more: see the policy`;
}

const longestFact = 4096;

function memberChanges(before: Policy, after: Policy): string[] {
  const [old, now] = [policyWords(before), policyWords(after)];
  const isIn = (words: typeof old, { name, value }: (typeof old)[number]) =>
    words.some((one) => one.name === name && one.value === value);
  const left = old.filter((word) => !isIn(now, word));
  const come = now.filter((word) => !isIn(old, word));
  const becomes = (word: (typeof old)[number]) =>
    word.ofList ? undefined : come.find(({ name, ofList }) => name === word.name && !ofList);
  const changed = left.map((word) => becomes(word));
  return [
    ...left.map(({ name, value }, at) =>
      changed[at] ? `${name}: ${value} becomes ${changed[at].value}` : `${name}: no more ${value}`,
    ),
    ...come.filter((word) => !changed.includes(word)).map(({ name, value }) => `${name}: new ${value}`),
  ];
}

function peopleChanges(before: readonly Person[], after: readonly Person[]): string[] {
  const old = new Map(before.map((one) => [one.id, one]));
  const now = new Map(after.map((one) => [one.id, one]));
  return [
    ...before.filter(({ id }) => !now.has(id)).map(({ id, name }) => `retired: ${shown(name)} (${id})`),
    ...after.flatMap((one) => {
      const was = old.get(one.id);
      return was ? personChanges(was, one) : [`enrolled: ${personWords(one)}`];
    }),
  ];
}

function personChanges(was: Person, is: Person): string[] {
  const lines: string[] = [];
  const who = `${shown(is.name)} (${is.id})`;
  if (was.name !== is.name) lines.push(`renamed: ${shown(was.name)} (${is.id}) becomes ${shown(is.name)}`);
  if (was.roles.join() !== is.roles.join())
    lines.push(`roles of ${who}: ${was.roles.join(", ")} becomes ${is.roles.join(", ")}`);
  if (certificatesWords(was) !== certificatesWords(is))
    lines.push(`token of ${who}: ${certificatesWords(was)} becomes ${certificatesWords(is)}`);
  return lines;
}
