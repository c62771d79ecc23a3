/** Paths that are right or wrong in one thing each. */

import { certificateAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { der, derNull, explicit, integer, objectIdentifier, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid, ownOids } from "../../../manifests/encoding/oid.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import type { PathWanted } from "../../../manifests/x509/path.ts";
import { anyPolicy } from "../../../manifests/x509/policy-extensions.ts";
import { type Extension, fingerprint, type Issued, issue, makeRoot, nameOf, type Wanted } from "../../pki/authority.ts";
import { inhibitAny, mappings, p, policies, constraints as policyConstraints } from "./policy-chains.ts";

export interface PathCase {
  readonly title: string;
  /** undefined: the path holds */
  readonly code?: RefusalCode;
  /** whether RFC 5280 itself refuses it, so that OpenSSL must agree; else it is Coldseal's own rule */
  readonly rfc?: boolean;
  readonly wanted: PathWanted;
}

const eku = ownOids("1.3.6.1.4.1.32473.1").submitter;

const root = makeRoot({ name: "Root" });
const middle = issue(root, { name: "Middle", ca: true });
const unknown: Extension = { oid: "1.3.6.1.4.1.32473.9.9", critical: true, value: derNull };

/** A path of root, middle and leaf in which each may be changed. */
function path(
  change: Partial<Omit<Wanted, "name">>,
  more: Partial<PathWanted> = {},
  below: Issued = middle,
): PathWanted {
  const leaf = issue(below, { name: "Leaf", eku: [eku], ...change });
  return wantedFor(leaf, { intermediates: [below.certificate], ...more });
}

function wantedFor(leaf: Issued, more: Partial<PathWanted> = {}): PathWanted {
  return {
    leaf: leaf.certificate,
    intermediates: [],
    roots: [root.certificate],
    at: "2026-11-23T12:00:00Z",
    revoked: new Set(),
    extendedKeyUsage: eku,
    minimumRsaBits: 3072,
    ...more,
  };
}

/** The same with the middle CA changed. */
function throughMiddle(change: Partial<Omit<Wanted, "name">>, more: Partial<PathWanted> = {}): PathWanted {
  return path({}, more, issue(root, { name: "Middle", ca: true, ...change }));
}

/** The same with the root changed. */
function underRoot(change: Partial<Omit<Wanted, "name">>): PathWanted {
  const other = makeRoot({ name: "Root", ...change });
  return path({}, { roots: [other.certificate] }, issue(other, { name: "Middle", ca: true }));
}

function constraints(kind: "permitted" | "excluded", base: Uint8Array): Extension {
  const subtrees = explicit(kind === "permitted" ? 0 : 1, sequence(base));
  return { oid: oid.nameConstraints, critical: true, value: sequence(subtrees) };
}

function directory(name: Uint8Array): Uint8Array {
  return explicit(4, name);
}

function altNames(...names: readonly Uint8Array[]): Extension {
  return { oid: "2.5.29.17", value: sequence(...names) };
}

const dns = (name: string): Uint8Array => der(0x82, utf8(name));
const email = (name: string): Uint8Array => der(0x81, utf8(name));
const uri = (name: string): Uint8Array => der(0x86, utf8(name));

export const cases: readonly PathCase[] = [
  { title: "leaf, intermediate, root", wanted: path({}) },
  { title: "leaf directly under the root", wanted: wantedFor(issue(root, { name: "Leaf", eku: [eku] })) },
  { title: "another extended key usage beside", wanted: path({ eku: [oid.documentSigning, eku] }) },
  { title: "nonRepudiation alone", wanted: path({ keyUsage: ["nonRepudiation"] }) },
  {
    title: "an unknown extension that is not critical",
    wanted: path({ extensions: [{ ...unknown, critical: false }] }),
  },
  { title: "leaf and root among the intermediates", wanted: withEverythingTwice() },
  { title: "roots with one name, one that fits", wanted: withNamesake("first") },
  { title: "two intermediates of one subject, the second fits", wanted: twoMiddles() },
  { title: "an intermediate's own extended key usage allows it", wanted: throughMiddle({ eku: [eku] }) },
  { title: "a path length that is just enough", wanted: underRoot({ pathLength: 1 }) },
  {
    title: "permitted directory name",
    wanted: throughMiddle({ extensions: [constraints("permitted", directory(prefix()))] }),
  },
  {
    title: "permitted DNS domain",
    wanted: constrained(constraints("permitted", dns("example.org")), altNames(dns("Desk.Example.org"))),
  },
  {
    title: "permitted e-mail host",
    wanted: constrained(constraints("permitted", email("example.org")), altNames(email("a@example.org"))),
  },

  {
    title: "a certificate policy that is asked for, mapped, and there",
    wanted: underMapped(),
  },

  { title: "no intermediate", code: "PATH-ROOT", rfc: true, wanted: path({}, { intermediates: [] }) },
  { title: "no root", code: "PATH-ROOT", rfc: true, wanted: path({}, { roots: [] }) },
  {
    title: "another root of another name",
    code: "PATH-ROOT",
    rfc: true,
    wanted: path({}, { roots: [makeRoot({ name: "Other" }).certificate] }),
  },
  { title: "another root of the same name", code: "PATH-ROOT", rfc: true, wanted: withNamesake("only") },
  {
    title: "another root of the same name, no key identifiers",
    code: "PATH-ROOT",
    rfc: true,
    wanted: namesakeWithoutIdentifiers(),
  },
  { title: "the issuer's name, another's signature", code: "PATH-ROOT", rfc: true, wanted: forged() },
  { title: "leaf is the root", code: "PATH-ROOT", wanted: wantedFor(root) },
  { title: "leaf signed by itself and pinned", code: "PATH-ROOT", wanted: selfSigned() },
  { title: "two intermediates that issued each other", code: "PATH-ROOT", rfc: true, wanted: cycle() },

  { title: "leaf not yet valid", code: "PATH-TIME", rfc: true, wanted: path({ notBefore: "2026-11-23T12:00:01Z" }) },
  { title: "leaf expired", code: "PATH-TIME", rfc: true, wanted: path({ notAfter: "2026-11-23T11:59:59Z" }) },
  {
    title: "intermediate expired",
    code: "PATH-TIME",
    rfc: true,
    wanted: throughMiddle({ notAfter: "2026-01-01T00:00:00Z" }),
  },
  {
    title: "intermediate not yet valid",
    code: "PATH-TIME",
    rfc: true,
    wanted: throughMiddle({ notBefore: "2027-01-01T00:00:00Z" }),
  },
  { title: "root expired", code: "PATH-TIME", rfc: true, wanted: underRoot({ notAfter: "2026-01-01T00:00:00Z" }) },

  { title: "leaf revoked", code: "PATH-REVOKED", wanted: revoking("leaf") },
  {
    title: "intermediate revoked",
    code: "PATH-REVOKED",
    wanted: path({}, { revoked: new Set([fingerprint(middle.certificate)]) }),
  },
  {
    title: "root revoked",
    code: "PATH-REVOKED",
    wanted: path({}, { revoked: new Set([fingerprint(root.certificate)]) }),
  },

  { title: "no extended key usage", code: "PATH-USAGE", wanted: path({ eku: [], without: [oid.extendedKeyUsage] }) },
  {
    title: "another extended key usage",
    code: "PATH-USAGE",
    wanted: path({ eku: [ownOids("1.3.6.1.4.1.32473.1").operator] }),
  },
  { title: "any extended key usage", code: "PATH-USAGE", wanted: path({ eku: ["2.5.29.37.0"] }) },
  { title: "no key usage", code: "PATH-USAGE", wanted: path({ keyUsage: null }) },
  { title: "key usage for encryption only", code: "PATH-USAGE", wanted: path({ keyUsage: ["keyEncipherment"] }) },
  {
    title: "key usage of a CA beside",
    code: "PATH-USAGE",
    wanted: path({ keyUsage: ["digitalSignature", "keyCertSign"] }),
  },
  {
    title: "CA as signer, by its basic constraints alone",
    code: "PATH-USAGE",
    wanted: path({ ca: true, keyUsage: ["digitalSignature"] }),
  },
  {
    title: "CA as signer",
    code: "PATH-USAGE",
    wanted: path({ ca: true, keyUsage: ["digitalSignature", "keyCertSign"] }),
  },
  {
    title: "an intermediate for another extended key usage",
    code: "PATH-USAGE",
    wanted: throughMiddle({ eku: [oid.documentSigning] }),
  },

  {
    title: "unknown critical extension in the leaf",
    code: "PATH-CRITICAL",
    rfc: true,
    wanted: path({ extensions: [unknown] }),
  },
  {
    title: "unknown critical extension in the intermediate",
    code: "PATH-CRITICAL",
    rfc: true,
    wanted: throughMiddle({ extensions: [unknown] }),
  },
  {
    title: "unknown critical extension in the root",
    code: "PATH-CRITICAL",
    wanted: underRoot({ extensions: [unknown] }),
  },
  {
    title: "an intermediate that asks for a certificate policy, and a leaf without one",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: throughMiddle({ extensions: [policies(p(1)), policyConstraints(0)] }),
  },
  {
    title: "an intermediate that maps any policy",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: throughMiddle({ extensions: [policies(p(1)), { ...mappings([anyPolicy, p(1)]), critical: true }] }),
  },
  {
    title: "no certificate policy, where the verifier asks for one",
    code: "PATH-CONSTRAINT",
    wanted: path({}, { policies: { explicit: true } }),
  },
  {
    title: "a root that maps certificate policies",
    code: "PATH-CRITICAL",
    wanted: underRoot({ extensions: [{ ...mappings([p(1), p(2)]), critical: true }] }),
  },

  {
    title: "intermediate is no CA",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: throughMiddle({ ca: false, keyUsage: ["keyCertSign"] }),
  },
  {
    title: "intermediate without basic constraints",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: throughMiddle({ without: [oid.basicConstraints] }),
  },
  {
    title: "intermediate may not sign certificates",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: throughMiddle({ keyUsage: ["cRLSign"] }),
  },
  { title: "intermediate without key usage", code: "PATH-CONSTRAINT", wanted: throughMiddle({ keyUsage: null }) },
  {
    title: "root may not sign certificates",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: underRoot({ keyUsage: ["digitalSignature"] }),
  },
  {
    title: "root is no CA",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: underRoot({ ca: false, keyUsage: ["keyCertSign"] }),
  },
  {
    title: "root's path length is too short",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: underRoot({ pathLength: 0 }),
  },
  { title: "intermediate's path length is too short", code: "PATH-CONSTRAINT", rfc: true, wanted: longPath() },
  { title: "a leaf issued by a leaf", code: "PATH-CONSTRAINT", rfc: true, wanted: leafUnderLeaf() },
  {
    title: "directory name not permitted",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: throughMiddle({ extensions: [constraints("permitted", directory(nameOf("Elsewhere")))] }),
  },
  {
    title: "directory name excluded",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: throughMiddle({ extensions: [constraints("excluded", directory(prefix()))] }),
  },
  {
    title: "directory name excluded by the root",
    code: "PATH-CONSTRAINT",
    wanted: underRoot({ extensions: [constraints("excluded", directory(nameOf("Leaf")))] }),
  },
  {
    title: "DNS name not permitted",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: constrained(constraints("permitted", dns("example.org")), altNames(dns("example.org.evil.net"))),
  },
  {
    title: "one of two DNS names excluded",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: constrained(constraints("excluded", dns("example.org")), altNames(dns("good.net"), dns("a.example.org"))),
  },
  {
    title: "e-mail address not permitted",
    code: "PATH-CONSTRAINT",
    rfc: true,
    wanted: constrained(constraints("permitted", email("example.org")), altNames(email("a@evil.example.org"))),
  },
  {
    title: "constrained kind of name that we do not compare",
    code: "PATH-CONSTRAINT",
    wanted: constrained(constraints("permitted", uri("")), altNames(uri("https://a.example.org/"))),
  },

  {
    title: "RSA-2048 where 3072 is the least",
    code: "PATH-KEY",
    wanted: path({ suite: "rsa-pkcs1-sha256", rsaBits: 2048 }),
  },
  {
    title: "RSA-2048 intermediate",
    code: "PATH-KEY",
    wanted: throughMiddle({ suite: "rsa-pkcs1-sha256", rsaBits: 2048 }),
  },
  {
    title: "signed with SHA-1",
    code: "CMS-ALGORITHM",
    wanted: path({ algorithm: sequence(objectIdentifier("1.2.840.10045.4.1")) }),
  },
  {
    title: "PSS named where ECDSA signed",
    code: "CMS-ALGORITHM",
    rfc: true,
    wanted: path({ algorithm: certificateAlgorithm(suiteOf("rsa-pss-sha256")) }),
  },
  {
    title: "an empty list of constraints",
    code: "PATH-FORM",
    wanted: throughMiddle({ extensions: [{ oid: oid.nameConstraints, critical: true, value: sequence() }] }),
  },
  {
    title: "a path length without the CA flag",
    code: "PATH-FORM",
    wanted: path({ extensions: [{ oid: oid.basicConstraints, value: sequence(integer(0)) }] }),
  },
];

function prefix(): Uint8Array {
  const name = nameOf("any");
  const [, , , length = 0] = name;
  return sequence(name.subarray(2, 2 + 2 + length)); // O=Coldseal test alone
}

function constrained(constraint: Extension, names: Extension): PathWanted {
  return path({ extensions: [names] }, {}, issue(root, { name: "Middle", ca: true, extensions: [constraint] }));
}

function withEverythingTwice(): PathWanted {
  const leaf = issue(middle, { name: "Leaf", eku: [eku] });
  const all = [leaf.certificate, middle.certificate, root.certificate];
  return wantedFor(leaf, { intermediates: [...all, ...all], roots: [root.certificate, root.certificate] });
}

function withNamesake(which: "first" | "only"): PathWanted {
  const namesake = makeRoot({ name: "Root" });
  return path({}, { roots: which === "only" ? [namesake.certificate] : [namesake.certificate, root.certificate] });
}

function namesakeWithoutIdentifiers(): PathWanted {
  const without = [oid.authorityKeyIdentifier, oid.subjectKeyIdentifier];
  const namesake = makeRoot({ name: "Root", without });
  return path({}, { roots: [namesake.certificate] }, issue(root, { name: "Middle", ca: true, without }));
}

function twoMiddles(): PathWanted {
  const without = [oid.authorityKeyIdentifier, oid.subjectKeyIdentifier];
  const first = issue(root, { name: "Middle", ca: true, without });
  const second = issue(root, { name: "Middle", ca: true, without });
  const leaf = issue(second, { name: "Leaf", eku: [eku], without });
  return wantedFor(leaf, { intermediates: [first.certificate, second.certificate] });
}

function underMapped(): PathWanted {
  const mapping = { ...mappings([p(1), p(2)]), critical: true };
  const below = issue(root, {
    name: "Middle",
    ca: true,
    extensions: [policies(p(1)), mapping, policyConstraints(0, 1), inhibitAny(0)],
  });
  return path({ extensions: [policies(p(2))] }, { policies: { accepted: [p(1)], explicit: true } }, below);
}

function forged(): PathWanted {
  const attacker = makeRoot({ name: "Attacker" });
  const leaf = issue(attacker, {
    name: "Leaf",
    eku: [eku],
    issuer: root.subject,
    without: [oid.authorityKeyIdentifier],
  });
  return wantedFor(leaf);
}

function selfSigned(): PathWanted {
  const leaf = makeRoot({ name: "Leaf", ca: false, eku: [eku] });
  return wantedFor(leaf, { roots: [leaf.certificate] });
}

function cycle(): PathWanted {
  const seed = makeRoot({ name: "A" });
  const other = makeRoot({ name: "B" });
  const a = issue(other, { name: "A", ca: true, key: seed.key });
  const b = issue(seed, { name: "B", ca: true, key: other.key });
  const leaf = issue(seed, { name: "Leaf", eku: [eku] });
  return wantedFor(leaf, { intermediates: [a.certificate, b.certificate] });
}

function revoking(which: "leaf"): PathWanted {
  const wanted = path({});
  return { ...wanted, revoked: new Set([fingerprint(wanted[which])]) };
}

function longPath(): PathWanted {
  const first = issue(root, { name: "First", ca: true, pathLength: 0 });
  const second = issue(first, { name: "Second", ca: true });
  const leaf = issue(second, { name: "Leaf", eku: [eku] });
  return wantedFor(leaf, { intermediates: [first.certificate, second.certificate] });
}

function leafUnderLeaf(): PathWanted {
  const first = issue(middle, { name: "First", eku: [eku] });
  return path({}, { intermediates: [first.certificate, middle.certificate] }, first);
}
