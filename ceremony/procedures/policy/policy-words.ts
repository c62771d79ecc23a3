/** A policy in words for those who sign it: nothing is cut, and what is bytes stands by name and digest. Pure. */

import { sha256 } from "../../../host/crypto-host.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { mapKeys } from "../../../manifests/records/key-purpose.ts";
import { shown } from "../../../manifests/records/names.ts";
import { type Person, type Policy, policyJson } from "../../../manifests/records/policy.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";

/** One value; of a list there are several with one name, in no order that matters. */
export interface PolicyWord {
  readonly name: string;
  readonly value: string;
  readonly ofList: boolean;
}

/** All members but people, number and predecessor. */
export function policyWords(policy: Policy): readonly PolicyWord[] {
  const { number: _number, people: _people, previous: _previous, ...members } = policyJson(policy) as Members;
  const key = (spki: Uint8Array) => `public key, SHA-256 ${hex(sha256(spki))}`;
  const { plainEnvelopes, roots } = policy.submitters;
  const { texts = [], ...limits } = policy.emergency ?? {};
  const emergency = policy.emergency ? { emergency: limits } : {};
  const keys = mapKeys(policy.keys, key);
  const { roots: issuers, ...rule } = policy.revocation ?? {};
  const { roots: authorities, ...waiting } = policy.unanchored ?? {};
  const ledger = policy.ledger && {
    ...policy.ledger,
    acknowledgement: certificateWords(policy.ledger.acknowledgement),
  };
  return [
    ...wordsOf({
      ...members,
      ...emergency,
      keys,
      submitters: { plainEnvelopes },
      ...(policy.revocation ? { revocation: rule as Members } : {}),
      ...(ledger ? { ledger: ledger as Members } : {}),
      ...(policy.unanchored ? { unanchored: waiting as Members } : {}),
    }),
    ...texts.map(({ language, text }) => ({
      name: "emergency.texts",
      value: `${language}, SHA-256 ${hex(sha256(utf8(text)))}: ${shown(text)}`,
      ofList: true,
    })),
    ...rootWords("submitters.roots", roots),
    ...rootWords("revocation.roots", issuers ?? []),
    ...rootWords("unanchored.roots", authorities ?? []),
  ];
}

function rootWords(name: string, roots: readonly Uint8Array[]): readonly PolicyWord[] {
  return roots.map((der) => ({ name, value: certificateWords(der), ofList: true }));
}

export function personWords({ certificates, id, name, roles }: Person): string {
  return `${shown(name)} (${id}), ${roles.join(", ")}, ${certificatesWords({ certificates })}`;
}

export function certificatesWords({ certificates }: Pick<Person, "certificates">): string {
  return certificates.length === 0 ? "no certificate" : certificates.map(certificateWords).join("; ");
}

/** Of a whole policy, a line each. */
export function policyLines(policy: Policy): readonly string[] {
  return [
    ...policy.people.map((one) => `person: ${personWords(one)}`),
    ...policyWords(policy).map(({ name, value }) => `${name}: ${value}`),
  ];
}

type Members = { readonly [name: string]: Json };

function certificateWords(der: Uint8Array): string {
  return `certificate of ${subjectOf(der)}, SHA-256 ${hex(sha256(der))}`;
}

/** RFC 4514, in which nothing that a terminal obeys is left. */
function subjectOf(der: Uint8Array): string {
  try {
    return readCertificate(der).subjectText;
  } catch {
    return "somebody whom it does not name as RFC 5280 does";
  }
}

function wordsOf(value: Json, name = ""): readonly PolicyWord[] {
  if (Array.isArray(value)) {
    return value.map((one) => ({
      name,
      value: shown(typeof one === "string" ? one : JSON.stringify(one)),
      ofList: true,
    }));
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([member, one]) => wordsOf(one, name === "" ? member : `${name}.${member}`));
  }
  return [{ name, value: shown(`${value ?? "none"}`), ofList: false }];
}
