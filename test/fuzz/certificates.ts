/** Certificates with many names, and an issuer that constrains them: what paths are most costly with. */

import { der, explicit, integer, objectIdentifier, sequence } from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import { subjectAltName } from "../../manifests/x509/extensions.ts";
import { anyPolicy } from "../../manifests/x509/policy-extensions.ts";
import { oids, root } from "../bundle/people.ts";
import { type Extension, type Issued, issue, nameOf } from "../pki/authority.ts";

const text = (value: string) => new Uint8Array(Buffer.from(value));
const dns = (name: string) => der(0x82, text(name));
const email = (name: string) => der(0x81, text(name));
const directory = (name: string) => der(0xa4, nameOf(name));
const subtree = (name: Uint8Array) => sequence(name);

/** Permits example.org, its addresses and the test's own names; excludes bad.example.org. */
export const constrainedIssuer: Issued = issue(root, {
  name: "Constrained issuer",
  ca: true,
  pathLength: 2,
  extensions: [
    {
      oid: oid.nameConstraints,
      critical: true,
      value: sequence(
        explicit(0, subtree(dns("example.org")), subtree(email(".example.org")), subtree(der(0xa4, sequence()))),
        explicit(1, subtree(dns("bad.example.org")), subtree(email("a@bad.example.org")), subtree(directory("nobody"))),
      ),
    },
    { oid: oid.authorityKeyIdentifier, value: sequence() },
    { oid: oid.certificatePolicies, value: sequence(sequence(der(0x06, Uint8Array.of(0x55, 0x1d, 0x20, 0)))) },
  ],
});

/** A leaf below it with names of several kinds, and a critical extension that is understood. */
export const nameRich: Issued = issue(constrainedIssuer, {
  name: "Many names",
  eku: [oids.sealing, oids.submitter],
  extensions: [
    {
      oid: subjectAltName,
      critical: true,
      value: sequence(dns("a.example.org"), dns("example.org"), email("a@b.example.org"), directory("Many names")),
    },
  ],
});

const many = Array.from({ length: 64 }, (_, at) => at);

/** As many constraints as an issuer may have, none of which says anything of the leaf below but the last that permits … */
const mostConstraints: Issued = issue(root, {
  name: "Most constraints",
  ca: true,
  extensions: [
    {
      oid: oid.nameConstraints,
      critical: true,
      value: sequence(
        explicit(0, ...many.map((at) => subtree(dns(at < 63 ? `yes${at}.`.padEnd(100, "x") : "")))),
        explicit(1, ...many.map((at) => subtree(dns(`no${at}.`.padEnd(100, "x"))))),
      ),
    },
  ],
});

/** … and a leaf with as many names, each to be held against each: this took over 100 ms once. */
const mostNames: Issued = issue(mostConstraints, {
  name: "Most names",
  eku: [oids.sealing],
  extensions: [{ oid: subjectAltName, value: sequence(...many.map((at) => dns(`a${at}.`.padEnd(210, "x")))) }],
});

/** Leaf and issuer. */
export const costliestNames = [mostNames.certificate, mostConstraints.certificate] as const;

/** Policies that are mapped crosswise, as many as an issuer may map, and asked for: what a tree of policies explodes with (CVE-2023-0464). */
const crossing = Array.from({ length: 16 }, (_, at) => policyOid(at));
const crossed: readonly Extension[] = [
  {
    oid: oid.certificatePolicies,
    value: sequence(...[anyPolicy, ...crossing].map((one) => sequence(objectIdentifier(one)))),
  },
  {
    oid: oid.policyMappings,
    critical: true,
    value: sequence(
      ...crossing.flatMap((from) => crossing.map((to) => sequence(objectIdentifier(from), objectIdentifier(to)))),
    ),
  },
  {
    oid: oid.policyConstraints,
    critical: true,
    value: sequence(der(0x80, Uint8Array.of(0)), der(0x81, Uint8Array.of(4))),
  },
  { oid: oid.inhibitAnyPolicy, critical: true, value: integer(3) },
];

function policyOid(number: number): string {
  return `1.3.6.1.4.1.32473.7.${number}`;
}

/** Leaf first, without the root. */
export const crossedPolicies: readonly Uint8Array[] = crossedPath();

function crossedPath(): readonly Uint8Array[] {
  const path: Uint8Array[] = [];
  let above: Issued = root;
  for (const name of ["One", "Two", "Three", "Four", "Five"]) {
    above = issue(above, { name: `Crossed ${name}`, ca: true, extensions: crossed });
    path.unshift(above.certificate);
  }
  const leaf = issue(above, { name: "Crossed leaf", eku: [oids.sealing], extensions: crossed.slice(0, 1) });
  return [leaf.certificate, ...path];
}
