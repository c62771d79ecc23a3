import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import { type Policy, policyJson } from "../../../manifests/records/policy.ts";
import { verifyNextPolicy, walkPolicyChain } from "../../../manifests/records/policy-chain.ts";
import { codeOf } from "../../appliance/signer/test-box.ts";
import { oids, op1, op2, op3, people, root } from "../../bundle/people.ts";
import { makePolicy, signedBy, times } from "../../bundle/signed.ts";
import { type Issued, issue } from "../../pki/authority.ts";

const recovery = ["rec1", "rec2", "rec3"].map((name) => issue(root, { name, eku: [oids.operator] }));
const [rec1, rec2, rec3] = recovery as [Issued, Issued, Issued];
const fresh = ["new1", "new2"].map((name) => issue(root, { name, eku: [oids.operator] }));
const [new1, new2] = fresh as [Issued, Issued];

const holders: Policy["people"] = recovery.map(({ certificate }, at) => ({
  id: `rec${at + 1}`,
  name: `Recovery holder ${at + 1}`,
  roles: ["recovery"],
  certificates: [certificate],
}));
const officers: Policy["people"] = fresh.map(({ certificate }, at) => ({
  id: `new${at + 1}`,
  name: `New officer ${at + 1}`,
  roles: ["operator", "officer"],
  certificates: [certificate],
}));

const thresholds = { policy: 2, recovery: 2, seal: 2 };
const first = makePolicy({ people: [...people, ...holders], thresholds });
const bytesOf = (policy: Policy) => canonicalBytes(policyJson(policy));
const signed = (policy: Policy, by: readonly Issued[]) => signedBy(by, oids.policy, bytesOf(policy), times.policy);
const nextOf = (change: Partial<Policy> = {}): Policy => ({
  ...first,
  number: 2,
  people: [...officers, ...holders],
  previous: hex(sha256(bytesOf(first))),
  ...change,
});

const founders = [op1, op2, op3];
const inForce = async (policy = first) => walkPolicyChain(nodeHost, [await signed(policy, founders)], undefined);
const taken = async (by: readonly Issued[], change: Partial<Policy> = {}) =>
  verifyNextPolicy(nodeHost, oids, await inForce(), await signed(nextOf(change), by), undefined);

describe("break glass", () => {
  it("POLICY-SIGNERS: recovery holders sign in the place of a quorum that is gone, and the chain says so from then on", async () => {
    expect((await inForce()).recovered).toEqual([]);
    expect((await taken([rec1, rec3, new1, new2])).recovered).toEqual([2]);
    expect(
      (await taken([op1, rec1, rec2, new1, new2], { people: [...people, ...officers, ...holders] })).recovered,
    ).toEqual([2]);
  });

  it("POLICY-SIGNERS: too few of them, without the new quorum, or where the policy names no threshold for them: refused", async () => {
    expect(await codeOf(taken([rec1, new1, new2]))).toBe("POLICY-SIGNERS");
    expect(await codeOf(taken([rec1, rec2, new1]))).toBe("POLICY-SIGNERS");
    expect(await codeOf(taken([rec1, rec2, rec3]))).toBe("POLICY-SIGNERS");
    expect(await codeOf(taken([rec1, rec1, new1, new2]))).toBe("PERSON-TWICE");
    const without = makePolicy({ people: [...people, ...holders] });
    const next = nextOf({ previous: hex(sha256(bytesOf(without))) });
    const p7m = await signed(next, [rec1, rec2, new1, new2]);
    const refused = verifyNextPolicy(nodeHost, oids, await inForce(without), p7m, undefined);
    expect(await codeOf(refused)).toBe("POLICY-SIGNERS");
  });

  it("POLICY-SIGNERS: beside a whole quorum they have no place, and a revoked one counts nowhere", async () => {
    const kept = [...people, ...officers, ...holders];
    expect(await codeOf(taken([op1, op2, rec1, rec2], { people: kept }))).toBe("POLICY-SIGNERS");
    expect((await taken([op1, op2], { people: kept })).recovered).toEqual([]);
    const revoking = makePolicy({
      people: [...people, ...holders],
      revoked: [hex(sha256(rec1.certificate))],
      thresholds,
    });
    const next = nextOf({ previous: hex(sha256(bytesOf(revoking))) });
    const p7m = await signed(next, [rec1, rec2, new1, new2]);
    expect(await codeOf(verifyNextPolicy(nodeHost, oids, await inForce(revoking), p7m, undefined))).toBe(
      "POLICY-SIGNERS",
    );
  });

  it("SHAPE: a policy names as many of them as it needs, and none of them is an officer", async () => {
    const [one] = holders as [Policy["people"][number]];
    expect(await codeOf(inForce(makePolicy({ people: [...people, one], thresholds })))).toBe("SHAPE");
    const mixed = { ...one, roles: ["recovery", "officer"] as const };
    const both = [...people, mixed, ...holders.slice(1)];
    expect(await codeOf(inForce(makePolicy({ people: both, thresholds })))).toBe("SHAPE");
  });
});
