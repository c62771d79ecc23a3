/**
 * An emergency: what a policy allows beforehand, what officers declare, and what binds each manifest to that (docs/formats.md, "An emergency").
 * Pure.
 */

import { equal, hex, utf8 } from "../encoding/bytes.ts";
import { hexText, integer, list, object, oneOf, type Read, text, type Utc, utc, utcOf } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Policy } from "./policy.ts";
import type { Mode } from "./request.ts";

/** Whose failure it is that the usual way is closed. */
export const causes = ["ours", "provider", "unknown"] as const;

/** BCP 47, in its usual form: `de`, `en-GB`. */
const language = text(35, { pattern: /^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/ });

/** policy.emergency */
export const readEmergencyRules = object({
  /** of one emergency, from its declaration on */
  hours: integer(1, 8784),
  /** who declare one and end it */
  officers: integer(1, 64),
  /** who approve a batch in it */
  operators: integer(1, 64),
  /** of one emergency */
  seals: integer(1),
  /** approved beforehand by everybody who signs the policy; a declaration names one by language and digest */
  texts: list(object({ language, text: text(8000) }), 1, 16),
});
export type EmergencyRules = Read<typeof readEmergencyRules>;

/** A text by its SHA-256 (of its UTF-8), hex. */
export const readNamedText = object({ digest: hexText(), language });

/** order.declare-emergency */
export const readDeclaration = object({ cause: oneOf(causes), reason: text(500), text: readNamedText });
export type Declaration = Read<typeof readDeclaration>;

/** manifest.emergency */
export const readEmergencyPart = object({
  cause: oneOf(causes),
  /** seals of this emergency before this batch */
  earlierSeals: integer(0),
  /** SHA-256 of the declaring order's content */
  order: hexText(),
  /** when the box took it, as it claims */
  since: utc,
  text: readNamedText,
});
export type EmergencyPart = Read<typeof readEmergencyPart>;

/** What a policy allows in an emergency. Refuses with EMERGENCY one that allows none. */
export function emergencyRulesOf({ emergency, modes }: Pick<Policy, "emergency" | "modes">): EmergencyRules {
  if (emergency && modes.includes("emergency")) return emergency;
  throw new Refusal("EMERGENCY", "the policy in force allows no emergency", {
    expected: "a policy with mode emergency, its rules and its key",
    got: modes.join(", "),
  });
}

/** The text of a policy that a declaration names; undefined where the policy has none of this language and digest. */
export async function textNamed(
  host: Host,
  { emergency }: Pick<Policy, "emergency">,
  named: Declaration["text"],
): Promise<string | undefined> {
  for (const one of emergency?.texts ?? []) {
    if (one.language !== named.language) continue;
    if (hex(await host.digest("sha256", utf8(one.text))) === named.digest) return one.text;
  }
  return undefined;
}

/** The mode of what is sealed outside of an emergency; every policy has exactly one. */
export function usualMode({ modes }: Pick<Policy, "modes">): Exclude<Mode, "emergency"> {
  return modes.includes("test") ? "test" : "offline";
}

/** How many operators must approve a batch of this mode. */
export function approvalsNeeded(
  { emergency, thresholds }: Pick<Policy, "emergency" | "thresholds">,
  mode: Mode,
): number {
  return mode === "emergency" && emergency ? emergency.operators : thresholds.seal;
}

/** The key (SubjectPublicKeyInfo) that seals in this mode; undefined where the policy names none. */
export function sealingKeyOf({ keys }: Pick<Policy, "keys">, mode: Mode): Uint8Array | undefined {
  return mode === "emergency" ? keys.emergency : keys.sealing;
}

/** Of the purposes of keys, the one that seals in this mode. */
export function sealingPurpose(mode: Mode): "emergency" | "sealing" {
  return mode === "emergency" ? "emergency" : "sealing";
}

/** Until when an emergency that began at `since` may seal. */
export function emergencyEnd(since: Utc, { hours }: Pick<EmergencyRules, "hours">): Utc {
  return utcOf(Date.parse(since) + hours * 3_600_000);
}

/** Refuses with MODE a policy whose modes, emergency rules and emergency key do not go together, SHAPE rules that contradict themselves. */
export function checkEmergencyRules({ emergency, keys, modes }: Policy, operators: number, officers: number): void {
  if (modes.includes("emergency") && (!emergency || !keys.emergency)) {
    throw new Refusal("MODE", "mode emergency needs a key of its own and rules of its own", {
      expected: "policy.keys.emergency and policy.emergency",
      got: emergency ? "no key" : "no rules",
    });
  }
  if (!emergency) return;
  const languages = emergency.texts.map((one) => one.language);
  if (new Set(languages).size !== languages.length) {
    throw new Refusal("SHAPE", "policy.emergency.texts: a language stands twice", { got: languages.join(", ") });
  }
  if (operators < emergency.operators || officers < emergency.officers) {
    throw new Refusal("SHAPE", "policy.emergency: more people are needed than the policy names", {
      expected: `${emergency.operators} operators, ${emergency.officers} officers`,
      got: `${operators} operators, ${officers} officers`,
    });
  }
}

/** Refuses with MODE a key that seals in an emergency under one policy and otherwise under the next, or the other way round. */
export function checkEmergencyKey(old: Policy, next: Policy): void {
  const turned = [
    [old.keys.emergency, next.keys.sealing],
    [old.keys.sealing, next.keys.emergency],
  ].some(([one, other]) => one && other && equal(one, other));
  if (turned) throw new Refusal("MODE", "the key of an emergency seals in nothing else, before or after");
}
