/** What a policy must be by itself, beyond its members' shapes, so that what it promises can be kept. */

import { suiteOf } from "../cms/suite.ts";
import { equal } from "../encoding/bytes.ts";
import { documentationArc } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";
import { readCertificate } from "../x509/certificate.ts";
import { checkEmergencyRules } from "./emergency.ts";
import { keyEntries } from "./key-purpose.ts";
import { checkLedgerRules } from "./ledger-rules.ts";
import { keyIdentity } from "./person.ts";
import { excludedRoles, type Policy } from "./policy.ts";

/** Refuses with SHAPE what contradicts itself, PERSON-TWICE a person, certificate or key that stands twice, MODE an arc or modes that do not go together, PATH-USAGE a ledger's certificate that is not for acknowledgements. */
export function checkPolicyRules(policy: Policy): void {
  checkModes(policy);
  checkPeople(policy);
  checkThresholds(policy);
  if (suiteOf(policy.profile.suite).hash !== policy.profile.digest) {
    throw new Refusal("SHAPE", "policy.profile: documents and seals must have one digest algorithm");
  }
  if (policy.number === 1 && policy.notBefore !== undefined) {
    throw new Refusal("SHAPE", "policy.notBefore: the first policy is in force from the beginning");
  }
  checkKeys(policy);
  checkLedgerRules(policy);
}

function checkModes({ modes, arc }: Policy): void {
  if (new Set(modes).size !== modes.length) throw new Refusal("SHAPE", "policy.modes: a mode stands twice");
  if (modes.includes("test") === modes.includes("offline")) {
    throw new Refusal("MODE", "test seals come from a key of their own: a policy is for test or for use", {
      expected: "either test or offline",
      got: modes.join(", "),
    });
  }
  if (arc === documentationArc && !modes.includes("test")) {
    throw new Refusal("MODE", "the documentation arc is for mode test only", { got: modes.join(", ") });
  }
}

/** A key has one purpose. */
function checkKeys({ keys }: Policy): void {
  const all = keyEntries(keys);
  for (const [at, [purpose, spki]] of all.entries()) {
    const same = all.slice(0, at).find(([, other]) => equal(other, spki));
    if (same) throw new Refusal("SHAPE", `policy.keys: the ${same[0]} key may not be the ${purpose} key`);
  }
}

function checkPeople({ people }: Policy): void {
  const seen = new Set<string>();
  for (const person of people) {
    const keys = person.certificates.map((der) => keyIdentity(readCertificate(der).spki));
    // One person may renew a certificate for one key; nobody else may hold that key.
    for (const mark of [person.id, ...new Set(keys)]) {
      if (seen.has(mark)) {
        throw new Refusal("PERSON-TWICE", "the policy names a person or key twice", { got: mark, about: person.id });
      }
      seen.add(mark);
    }
    if (new Set(person.roles).size !== person.roles.length) {
      throw new Refusal("SHAPE", "policy.people: a role stands twice", { about: person.id });
    }
  }
}

function checkThresholds(policy: Policy): void {
  const { people, thresholds } = policy;
  const able = people.filter(
    ({ roles, certificates }) => certificates.length > 0 && !excludedRoles.some((role) => roles.includes(role)),
  );
  const operators = able.filter(({ roles }) => roles.includes("operator")).length;
  const officers = able.filter(({ roles }) => roles.includes("officer")).length;
  checkRecovery(people, thresholds.recovery);
  checkEmergencyRules(policy, operators, officers);
  if (operators < thresholds.seal || officers < thresholds.policy) {
    throw new Refusal("SHAPE", "policy.thresholds: more people are needed than the policy names", {
      expected: `${thresholds.seal} operators, ${thresholds.policy} officers`,
      got: `${operators} operators, ${officers} officers`,
    });
  }
}

/** Break glass by people who hold nothing else: no officer or operator is one of them. */
function checkRecovery(people: Policy["people"], needed: number | undefined): void {
  const holders = people.filter(({ roles }) => roles.includes("recovery"));
  const mixed = holders.find(({ roles }) => roles.includes("operator") || roles.includes("officer"));
  if (mixed) throw new Refusal("SHAPE", "a recovery holder is neither operator nor officer", { about: mixed.id });
  const able = holders.filter(({ certificates }) => certificates.length > 0).length;
  if (needed === undefined || able >= needed) return;
  throw new Refusal("SHAPE", "policy.thresholds: more recovery holders are needed than the policy names", {
    expected: `${needed}`,
    got: `${able}`,
  });
}
