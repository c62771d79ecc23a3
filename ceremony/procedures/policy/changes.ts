/** What a policy changes against the one before, in words for those who sign it. Pure. */

import { sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { type Person, type Policy, policyJson } from "../../../manifests/records/policy.ts";

/** A line for each change; people by id. */
export function policyChanges(before: Policy, after: Policy): string[] {
  const lines = [...peopleChanges(before.people, after.people), ...memberChanges(before, after)];
  return lines.length === 0 ? ["Nothing changes but the number."] : lines;
}

const told = ["number", "previous", "people"];

function memberChanges(before: Policy, after: Policy): string[] {
  const [old, now] = [policyJson(before), policyJson(after)] as { readonly [name: string]: Json }[];
  // Also what the next one leaves out: a limit that falls is a change.
  return [...new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])]
    .filter((name) => !told.includes(name))
    .flatMap((name) => {
      const [from, to] = [short(old?.[name] ?? null), short(now?.[name] ?? null)];
      return canonical(old?.[name] ?? null) === canonical(now?.[name] ?? null)
        ? []
        : [`${name}: ${from} becomes ${to}`];
    });
}

function peopleChanges(before: readonly Person[], after: readonly Person[]): string[] {
  const old = new Map(before.map((one) => [one.id, one]));
  const now = new Map(after.map((one) => [one.id, one]));
  return [
    ...before.filter(({ id }) => !now.has(id)).map(({ id, name }) => `retired: ${name} (${id})`),
    ...after.flatMap((one) => {
      const was = old.get(one.id);
      return was
        ? personChanges(was, one)
        : [`enrolled: ${one.name} (${one.id}), ${one.roles.join(", ")}, ${certificatesOf(one)}`];
    }),
  ];
}

function personChanges(was: Person, is: Person): string[] {
  const lines: string[] = [];
  const who = `${is.name} (${is.id})`;
  if (was.name !== is.name) lines.push(`renamed: ${was.name} (${is.id}) becomes ${is.name}`);
  if (was.roles.join() !== is.roles.join())
    lines.push(`roles of ${who}: ${was.roles.join(", ")} becomes ${is.roles.join(", ")}`);
  if (certificatesOf(was) !== certificatesOf(is))
    lines.push(`token of ${who}: ${certificatesOf(was)} becomes ${certificatesOf(is)}`);
  return lines;
}

function certificatesOf({ certificates }: Person): string {
  return certificates.length === 0
    ? "no certificate"
    : certificates.map((der) => `certificate ${hex(sha256(der)).slice(0, 16)}`).join(", ");
}

function short(value: Json): string {
  const text = canonical(value);
  return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}
