/** The people of a ceremony file against the policies that it is about: nobody passes as a person whose certificate no policy names. */

import { readCertificateFile } from "../../host/certificate-file.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import type { CeremonyFile } from "../engine/ceremony-file.ts";

const ofPolicy = ["operator", "officer", "recovery"] as const;

/** Refuses PERSON-UNKNOWN a person who signs in a role of the policy, and whom none of the policies names by that id and certificate; CONFIG a certificate. */
export function checkPeopleOf({ people }: CeremonyFile, policies: readonly Policy[]): void {
  for (const { id, roles, signs } of people) {
    if (!signs || !ofPolicy.some((role) => roles.includes(role))) continue;
    const own = readCertificateFile(signs.certificate);
    if (policies.some((policy) => names(policy, id, own))) continue;
    const { subjectText } = readCertificate(own);
    throw new Refusal("PERSON-UNKNOWN", `the policy names another certificate for ${id}, or nobody of that id`, {
      expected: `a certificate of ${id} that the policy names`,
      got: `${subjectText}, SHA-256 ${hex(sha256(own)).slice(0, 16)}…`,
      about: id,
    });
  }
}

/** Refuses QUORUM a file with fewer officers of the policy than must sign, whoever comes. */
export function checkOfficersOf({ people }: CeremonyFile, policy: Policy, needed: number): void {
  const officers = people.filter(
    ({ id, signs }) => signs && names(policy, id, readCertificateFile(signs.certificate), "officer"),
  );
  if (officers.length >= needed) return;
  throw new Refusal("QUORUM", "the file names too few officers of the policy in force", {
    expected: `${needed} with their tokens`,
    got: officers.map(({ id }) => id).join(", ") || "none",
  });
}

function names({ people }: Policy, id: string, certificate: Uint8Array, role?: "officer"): boolean {
  const person = people.find((one) => one.id === id);
  if (!person || (role && !person.roles.includes(role))) return false;
  return person.certificates.some((der) => equal(der, certificate));
}
