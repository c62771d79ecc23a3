import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { CeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { policyOf } from "../../../ceremony/procedures/policy-part.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { policyJson, readPolicy } from "../../../manifests/records/policy.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { makePolicy } from "../../bundle/signed.ts";
import { acknowledger, TestLedger } from "../../manifests/log/test-ledger.ts";
import { pem } from "../../pki/authority.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-policy-part-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = { folder } as unknown as CeremonyFile;
const policy = makePolicy();
const { appliance, arc, keys, number, previous } = policy;
const made = { appliance, arc, keys, number, previous, people: [], suite: policy.profile.suite };

/** As a ceremony file says it: certificates are paths. */
function partOf(ledger?: Json): { readonly [name: string]: Json } {
  const { people, submitters, ...rest } = policyJson(policy) as { readonly [name: string]: Json };
  const {
    appliance: _a,
    arc: _b,
    keys: _k,
    number: _n,
    previous: _p,
    profile: _f,
    type: _t,
    version: _v,
    ...part
  } = rest;
  const named = policy.people.map((one) => ({
    ...one,
    certificates: one.certificates.map((der, at) => {
      writeFileSync(join(folder, `${one.id}-${at}.crt`), pem(der));
      return `${one.id}-${at}.crt`;
    }),
  }));
  policy.submitters.roots.forEach((der, at) => {
    writeFileSync(join(folder, `root-${at}.crt`), pem(der));
  });
  const roots = policy.submitters.roots.map((_, at) => `root-${at}.crt`);
  return {
    ...part,
    people: named as unknown as Json,
    submitters: { ...(submitters as object), roots },
    ...(ledger === undefined ? {} : { ledger }),
  } as { readonly [name: string]: Json };
}

describe("the part of a policy that a ceremony file says", () => {
  it("POLICY-CHAIN: a ledger stands in it with the path of its certificate, and makes the policy one of version 2", async () => {
    const rules = (await TestLedger.make()).rules({ outstanding: { hours: 24, manifests: 5 } });
    writeFileSync(join(folder, "ledger.crt"), pem(acknowledger.certificate));
    const read = readPolicy(policyOf(file, partOf({ ...rules, acknowledgement: "ledger.crt" }), made));
    expect(read).toMatchObject({ ledger: rules, version: 2 });
    expect(readPolicy(policyOf(file, partOf(), made))).toEqual(policy);
  });

  it("CEREMONY-FILE: one that asks for more cosignatures than it names witnesses makes none", async () => {
    const rules = (await TestLedger.make()).rules({ cosignatures: 3 });
    writeFileSync(join(folder, "ledger.crt"), pem(acknowledger.certificate));
    const part = partOf({ ...rules, acknowledgement: "ledger.crt" });
    expect(() => policyOf(file, part, made)).toThrow(Refusal);
    expect(() => policyOf(file, part, made)).toThrow(/policy.ledger: more cosignatures/);
  });
});
