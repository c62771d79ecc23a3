import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { der, integer, objectIdentifier, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { type Certificate, readCertificate } from "../../../manifests/x509/certificate.ts";
import { checkCertificatePolicies, type PolicyInputs } from "../../../manifests/x509/certificate-policies.ts";
import { anyPolicy } from "../../../manifests/x509/policy-extensions.ts";
import { type Extension, issue, makeRoot, type Wanted } from "../../pki/authority.ts";
import { constraints, inhibitAny, mappings, p, policies } from "./policy-chains.ts";

interface Vector {
  readonly name: string;
  /** trust anchor first */
  readonly path: readonly string[];
  readonly valid: boolean;
  readonly policies: readonly string[];
  readonly explicit: boolean;
  readonly inhibitMapping: boolean;
  readonly inhibitAny: boolean;
}

const { certificates, tests } = JSON.parse(
  readFileSync(new URL("../../vectors/pkits/policies.json", import.meta.url), "utf8"),
) as { readonly certificates: Readonly<Record<string, string>>; readonly tests: readonly Vector[] };

const nistPolicy = (name: string) =>
  name === "anyPolicy" ? anyPolicy : name.replace("NIST-test-policy-", "2.16.840.1.101.3.2.1.48.");

/** Root first. */
function judged(path: readonly Certificate[], inputs: PolicyInputs = {}): readonly string[] {
  return checkCertificatePolicies([...path].reverse(), inputs);
}

describe("certificate policies: NIST's PKITS, 4.8 to 4.12", () => {
  it.each(tests)(
    "T11: $name: valid is $valid",
    ({ path, valid, policies: accepted, explicit, inhibitMapping, inhibitAny: any }) => {
      const read = path.map((name) =>
        readCertificate(new Uint8Array(Buffer.from(certificates[name] as string, "base64"))),
      );
      const run = () => judged(read, { accepted: accepted.map(nistPolicy), explicit, inhibitMapping, inhibitAny: any });
      if (valid) expect(run()).toBeInstanceOf(Array);
      else expect(run).toThrow(expect.objectContaining({ code: "PATH-CONSTRAINT" }));
    },
  );

  it("T11: all of them", () => {
    expect([tests.length, tests.filter(({ valid }) => valid).length]).toEqual([88, 45]);
  });
});

/** A path of these extensions, the root's first, read as it was issued. */
function chain(...extensions: readonly (readonly Extension[])[]): readonly Certificate[] {
  const [first = [], ...others] = extensions;
  let above = makeRoot({ name: "Root", extensions: first });
  const all = [above];
  for (const [at, one] of others.entries()) {
    const wanted: Wanted = { name: `C${at}`, ca: at < others.length - 1, extensions: one };
    above = issue(above, wanted);
    all.push(above);
  }
  return all.map(({ certificate }) => readCertificate(certificate));
}

describe("certificate policies", () => {
  it("T11: gives the policies that hold, as the CA below the root names them", () => {
    const mapped = chain([], [policies(p(1), p(2)), mappings([p(1), p(3)])], [policies(p(3))]);
    expect(judged(mapped)).toEqual([p(1)]);
    expect(judged(mapped, { accepted: [p(1), p(4)], explicit: true })).toEqual([p(1)]);
    expect(judged(chain([], [policies(anyPolicy)], [policies(anyPolicy)]))).toEqual([anyPolicy]);
    expect(judged(chain([], [policies(anyPolicy)], [policies(anyPolicy)]), { accepted: [p(5)] })).toEqual([p(5)]);
    expect(judged(chain([], [], []))).toEqual([]);
  });

  it("PATH-CONSTRAINT: one is required, by an issuer, by the root or by the verifier, and there is none", () => {
    const none = expect.objectContaining({ code: "PATH-CONSTRAINT" });
    expect(() => judged(chain([], [constraints(0)], []))).toThrow(none);
    expect(() => judged(chain([constraints(0)], [], []))).toThrow(none);
    expect(() => judged(chain([], [], []), { explicit: true })).toThrow(none);
    expect(judged(chain([constraints(0)], [policies(p(1))], [policies(p(1))]))).toEqual([p(1)]);
    expect(() => judged(chain([inhibitAny(0), constraints(0)], [policies(anyPolicy)], [policies(p(1))]))).toThrow(none);
  });

  it("PATH-CONSTRAINT: a policy that is mapped, and that a certificate names by any policy alone where that counts no more", () => {
    const path = (any: number) =>
      chain(
        [],
        [policies(p(1), p(2), p(3)), constraints(0), inhibitAny(any)],
        [policies(p(1), p(2), anyPolicy), mappings([p(2), p(1)], [p(3), p(2)])],
        [policies(p(2))],
      );
    expect(judged(path(1))).toEqual([p(3)]);
    // OpenSSL 3.0 accepts this.
    expect(() => judged(path(0))).toThrow(expect.objectContaining({ code: "PATH-CONSTRAINT" }));
  });

  it("PATH-CRITICAL: a root that maps", () => {
    const mapping = { ...mappings([p(1), p(2)]), critical: true };
    expect(() => judged(chain([mapping], []))).toThrow(expect.objectContaining({ code: "PATH-CRITICAL" }));
  });

  it("T4: policies that are mapped to each other do not explode (CVE-2023-0464)", () => {
    const many = Array.from({ length: 50 }, (_, at) => p(at));
    const crossed = many.slice(0, 15).flatMap((from) => many.slice(0, 15).map((to) => [from, to] as const));
    const ca = [policies(anyPolicy, ...many), mappings(...crossed), constraints(0)];
    const path = chain([], ca, ca, ca, ca, ca, ca, [policies(...many)]);
    // As a tree they are 15 to the sixth power of nodes.
    const start = performance.now();
    expect(judged(path)).toHaveLength(50);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  const policyInfo = (id: string, ...more: readonly Uint8Array[]) => sequence(objectIdentifier(id), ...more);
  it.each([
    ["no policy", oid.certificatePolicies, sequence()],
    ["a policy twice", oid.certificatePolicies, sequence(policyInfo(p(1)), policyInfo(p(1)))],
    ["a policy with no qualifier in its list", oid.certificatePolicies, sequence(policyInfo(p(1), sequence()))],
    [
      "something after a policy's qualifiers",
      oid.certificatePolicies,
      sequence(policyInfo(p(1), sequence(sequence(objectIdentifier(p(2)), integer(1))), integer(1))),
    ],
    [
      "more policies than are read",
      oid.certificatePolicies,
      sequence(...Array.from({ length: 257 }, (_, at) => policyInfo(p(at)))),
    ],
    ["no mapping", oid.policyMappings, sequence()],
    ["half a mapping", oid.policyMappings, sequence(sequence(objectIdentifier(p(1))))],
    ["constraints that constrain nothing", oid.policyConstraints, sequence()],
    [
      "constraints in the other order",
      oid.policyConstraints,
      sequence(der(0x81, Uint8Array.of(0)), der(0x80, Uint8Array.of(0))),
    ],
    ["a negative constraint", oid.policyConstraints, sequence(der(0x80, Uint8Array.of(0xff)))],
    ["an inhibition that is no number", oid.inhibitAnyPolicy, sequence()],
    ["a negative inhibition", oid.inhibitAnyPolicy, der(0x02, Uint8Array.of(0x80))],
  ])("PATH-FORM: %s", (_, id, value) => {
    const { certificate } = makeRoot({ name: "Root", extensions: [{ oid: id, value }] });
    expect(() => readCertificate(certificate)).toThrow(expect.objectContaining({ code: "PATH-FORM" }));
  });
});
