/** Name constraints of a CA, applied to a certificate below it (RFC 5280 4.2.1.10, 6.1.3 b and c). */

import { equal } from "../encoding/bytes.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "./certificate.ts";
import type { GeneralName, NameConstraints } from "./extensions.ts";
import { emailAddress, rdnEncodings, readName, stringText } from "./name.ts";

/**
 * Refuses PATH-CONSTRAINT a certificate with a name that is excluded, or that is of a kind with permitted subtrees and
 * in none of them. Directory names, DNS names and e-mail addresses are compared; a name of any other kind that the
 * constraints speak of is refused, because whether it fits is not known (RFC 5280 4.2.1.10).
 */
export function checkNameConstraints(constraints: NameConstraints, certificate: Certificate): void {
  // Every name is read once: there may be 64 of them, and twice 64 constraints.
  const permitted = constraints.permitted.map(read);
  const excluded = constraints.excluded.map(read);
  for (const name of namesOf(certificate).map(read)) {
    const allowing = permitted.filter((base) => base.tag === name.tag);
    const barring = excluded.filter((base) => base.tag === name.tag);
    if (allowing.length + barring.length > 0 && !comparable.has(name.tag)) {
      throw new Refusal(
        "PATH-CONSTRAINT",
        "a name of a kind that cannot be held against the issuer's name constraints",
      );
    }
    if (barring.some((base) => within(name, base))) {
      throw new Refusal("PATH-CONSTRAINT", "a name that the issuer excludes", { about: certificate.subjectText });
    }
    if (allowing.length > 0 && !allowing.some((base) => within(name, base))) {
      throw new Refusal("PATH-CONSTRAINT", "a name that the issuer does not permit", {
        about: certificate.subjectText,
      });
    }
  }
}

const email = 0x81;
const dns = 0x82;
const directory = 0xa4;
const comparable: ReadonlySet<number> = new Set([email, dns, directory]);

/** The subject, the alternative names, and an e-mail address in the subject. */
function namesOf(certificate: Certificate): readonly GeneralName[] {
  const addresses = readName(certificate.subject)
    .flat()
    .filter((attribute) => attribute.oid === emailAddress)
    .map(({ value }) => ({ tag: email, value: new TextEncoder().encode(stringText(value) ?? "\u0000") }));
  return [{ tag: directory, value: certificate.subject }, ...certificate.subjectAltNames, ...addresses];
}

/** A name ready to be compared: relative names of a directory name, else its text. */
interface ReadName {
  readonly tag: number;
  readonly rdns: readonly Uint8Array[];
  readonly text: string;
}

function read({ tag, value }: GeneralName): ReadName {
  return tag === directory ? { tag, rdns: rdnEncodings(value), text: "" } : { tag, rdns: [], text: ascii(value) };
}

function within(name: ReadName, base: ReadName): boolean {
  switch (name.tag) {
    case directory:
      return startsWith(name.rdns, base.rdns);
    case dns:
      return inDomain(name.text, base.text);
    default:
      return addressWithin(name.text, base.text);
  }
}

function startsWith(rdns: readonly Uint8Array[], base: readonly Uint8Array[]): boolean {
  return base.length <= rdns.length && base.every((rdn, index) => equal(rdn, rdns[index] as Uint8Array));
}

/** The domain itself, or labels added on the left; an empty base holds every domain. */
function inDomain(name: string, base: string): boolean {
  const plain = base.startsWith(".") ? base.slice(1) : base;
  return plain === "" || name === plain || name.endsWith(`.${plain}`);
}

/** A base with an @ is one mailbox, with a leading dot every host below, else one host. */
function addressWithin(name: string, base: string): boolean {
  if (base === "") return true;
  const host = name.slice(name.lastIndexOf("@") + 1);
  if (base.includes("@")) return name === base;
  return base.startsWith(".") ? host.endsWith(base) : host === base;
}

/** Lower case; anything beyond ASCII becomes a character that is in no base. */
function ascii(octets: Uint8Array): string {
  return String.fromCharCode(...octets.map((octet) => (octet < 0x80 ? octet : 0))).toLowerCase();
}
