/** The part of a policy that a ceremony file says, and the policy made of it: certificates in it are paths. */

import { readCertificateFile } from "../../host/certificate-file.ts";
import type { SuiteName } from "../../manifests/cms/suite.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { base64 } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../manifests/encoding/canonical-json.ts";
import { anyObject, list, object, text } from "../../manifests/encoding/shape.ts";
import { mapKeys } from "../../manifests/records/key-purpose.ts";
import { type Policy, policyVersion, readPolicy } from "../../manifests/records/policy.ts";
import { checkPolicyRules } from "../../manifests/records/policy-rules.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type CeremonyFile, pathIn } from "../engine/ceremony-file.ts";

export interface PolicyPerson {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** base64 */
  readonly certificates: readonly string[];
}

export interface PolicyMade {
  readonly appliance: string;
  readonly arc: string;
  readonly keys: Policy["keys"];
  readonly number: number;
  readonly previous: string | null;
  readonly suite: SuiteName;
  /** people beside those whom the file's part names */
  readonly people: readonly PolicyPerson[];
}

const readPerson = object({
  certificates: list(text(4096), 0, 8),
  id: text(32),
  name: text(100),
  roles: list(text(32), 1, 8),
});

/** Canonical bytes of the policy, read back. Refuses CEREMONY-FILE where the file's part of it makes none; CONFIG for certificates. */
export function policyOf(file: CeremonyFile, part: { readonly [name: string]: Json }, made: PolicyMade): Uint8Array {
  const { people, suite, keys, ...rest } = made;
  try {
    const named = fromFile(file, part, people);
    const bytes = canonicalBytes({
      ...named,
      ...rest,
      keys: mapKeys(keys, base64),
      profile: { digest: suiteOf(suite).hash, level: "CAdES-B-B", suite },
      type: "policy",
      version: policyVersion(named),
    } as unknown as Json);
    checkPolicyRules(readPolicy(bytes));
    return bytes;
  } catch (fault) {
    if (fault instanceof Refusal && fault.code === "CONFIG") throw fault;
    const { message, expected, got } = asRefusal(fault, "CEREMONY-FILE", "the policy cannot be made");
    throw new Refusal("CEREMONY-FILE", `parameters.policy: ${message}`, {
      cause: fault,
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
    });
  }
}

function fromFile(file: CeremonyFile, part: { readonly [name: string]: Json }, more: readonly PolicyPerson[]) {
  const { ledger, people, revocation, submitters, unanchored, ...rest } = part;
  const der = (path: string) => base64(readCertificateFile(pathIn(file, path)));
  const rooted = (value: Json, name: string) => {
    const { roots, ...others } = anyObject(value, name);
    return { ...others, roots: list(text(4096), 1, 16)(roots ?? [], `${name}.roots`).map(der) };
  };
  const named = list(readPerson, 0, 64)(people ?? [], "policy.people");
  return {
    ...rest,
    people: [...more, ...named.map(({ certificates, ...one }) => ({ ...one, certificates: certificates.map(der) }))],
    ...(ledger === undefined ? {} : { ledger: ledgerFrom(ledger, der) }),
    ...(revocation === undefined ? {} : { revocation: rooted(revocation, "policy.revocation") }),
    ...(unanchored === undefined ? {} : { unanchored: rooted(unanchored, "policy.unanchored") }),
    submitters: rooted(submitters ?? {}, "policy.submitters"),
  };
}

/** As the file has it, with the certificate in the place of its path. */
function ledgerFrom(value: Json, der: (path: string) => string): { readonly [name: string]: Json } {
  const { acknowledgement, ...others } = anyObject(value, "policy.ledger");
  return { ...others, acknowledgement: der(text(4096)(acknowledgement, "policy.ledger.acknowledgement")) };
}
