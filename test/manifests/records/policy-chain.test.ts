import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import type { Person, Policy } from "../../../manifests/records/policy.ts";
import { verifyGenesis, verifyNextPolicy, walkPolicyChain } from "../../../manifests/records/policy-chain.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { allowing, emergencyKey, rules } from "../../bundle/emergency.ts";
import { keeper, oids, op1, op2, op3, people, root, sealing, stranger } from "../../bundle/people.ts";
import { makePolicy, policyBytes, signedBy, times } from "../../bundle/signed.ts";
import { type Issued, issue } from "../../pki/authority.ts";

const genesis = makePolicy();
const genesisDigest = hex(sha256(policyBytes(genesis)));
const everybody = [op1, op2, op3];
const sign = (policy: Policy, by: readonly Issued[], eContentType = oids.policy) =>
  signedBy(by, eContentType, policyBytes(policy), times.policy);
const first = await sign(genesis, everybody);
const inForce = await verifyGenesis(nodeHost, oids, first, genesisDigest);

describe("the genesis policy", () => {
  it("POLICY-CHAIN: holds when everybody signed, and gives the digest that all is pinned to", () => {
    expect(inForce).toMatchObject({ number: 1, genesis: genesisDigest, policy: { appliance: "box-1" } });
    expect(hex(inForce.digest)).toBe(genesisDigest);
  });

  const at = (policy: Policy, by: readonly Issued[] = everybody) => sign(policy, by);
  const person = (issued: Issued, more: Partial<Person>): Person => ({
    id: "op4",
    name: "Operator 4",
    roles: ["operator"],
    certificates: [issued.certificate],
    ...more,
  });
  const wrong: readonly (readonly [string, RefusalCode, () => Promise<Uint8Array>])[] = [
    ["one founder is missing", "POLICY-SIGNERS", () => at(genesis, [op1, op2])],
    ["a stranger signed too", "PERSON-UNKNOWN", () => at(genesis, [...everybody, stranger])],
    ["the keeper signed too", "POLICY-SIGNERS", () => at(genesis, [...everybody, keeper])],
    ["number 2 without a first", "POLICY-CHAIN", () => at({ ...genesis, number: 2 })],
    ["a previous policy before the first", "POLICY-CHAIN", () => at({ ...genesis, previous: genesisDigest })],
    ["another arc", "POLICY-CHAIN", () => at({ ...genesis, arc: "1.3.6.1.4.1.99999.1" })],
    ["the content type of something else", "CMS-TYPE", () => sign(genesis, everybody, oids.request)],
    ["the documentation arc outside mode test", "MODE", () => at({ ...genesis, modes: ["offline"] })],
    ["test beside another mode", "MODE", () => at({ ...genesis, modes: ["test", "emergency"] })],
    ["one key for two persons", "PERSON-TWICE", () => at({ ...genesis, people: [...people, person(op1, {})] })],
    [
      "one id for two persons",
      "PERSON-TWICE",
      () => at({ ...genesis, people: [...people, person(stranger, { id: "op1" })] }),
    ],
    ["a date in number 1", "SHAPE", () => at({ ...genesis, notBefore: "2026-11-28T12:00:00Z" })],
    ["more approvals than operators", "SHAPE", () => at({ ...genesis, thresholds: { policy: 2, seal: 4 } })],
    [
      "a threshold that only an excluded person would fill",
      "SHAPE",
      () =>
        at({
          ...genesis,
          people: [...people, person(stranger, { roles: ["operator", "recovery"] })],
          thresholds: { policy: 2, seal: 4 },
        }),
    ],
    [
      "documents and seals by different digests",
      "SHAPE",
      () => at({ ...genesis, profile: { ...genesis.profile, digest: "sha384" } }),
    ],
    [
      "one key to seal and to audit",
      "SHAPE",
      () => at({ ...genesis, keys: { audit: sealing.spki, sealing: sealing.spki } }),
    ],
  ];
  it.each(wrong)("POLICY-CHAIN: %s is refused (%s)", async (_, code, make) => {
    await expect(verifyGenesis(nodeHost, oids, await make())).rejects.toMatchObject({ code });
  });

  it("POLICY-CHAIN: another genesis than the pinned one is refused", async () => {
    await expect(verifyGenesis(nodeHost, oids, first, "00".repeat(32))).rejects.toMatchObject({ code: "POLICY-CHAIN" });
  });
});

describe("the policies that follow", () => {
  const newcomer = issue(root, { name: "op4", eku: [oids.operator] });
  const op4: Person = {
    id: "op4",
    name: "Operator 4",
    roles: ["operator", "officer"],
    certificates: [newcomer.certificate],
  };
  const next = (changes: Partial<Policy> = {}): Policy => ({
    ...genesis,
    number: 2,
    previous: genesisDigest,
    ...changes,
  });
  const verify = async (policy: Policy, by: readonly Issued[]) =>
    verifyNextPolicy(nodeHost, oids, inForce, await sign(policy, by), times.approval);

  it("POLICY-CHAIN: two officers of the old policy, who are officers of the new one, suffice", async () => {
    const found = await verify(next({ people: [...people, op4] }), [op1, op3]);
    expect(found).toMatchObject({ number: 2, genesis: genesisDigest });
  });

  it("POLICY-CHAIN: a replaced quorum needs both, and one signature may count for both", async () => {
    const replaced = next({ people: [op4, people[0] as Person, people[3] as Person] });
    expect(await verify(replaced, [op1, op2, newcomer])).toMatchObject({ number: 2 });
    await expect(verify(replaced, [op1, newcomer])).rejects.toMatchObject({ code: "POLICY-SIGNERS" });
    await expect(verify(replaced, [op1, op2])).rejects.toMatchObject({ code: "POLICY-SIGNERS" });
  });

  const wrong: readonly (readonly [string, RefusalCode, Policy, readonly Issued[]])[] = [
    ["an operator added by one officer", "POLICY-SIGNERS", next({ people: [...people, op4] }), [op1]],
    [
      "an operator added by himself and one officer",
      "POLICY-SIGNERS",
      next({ people: [...people, op4] }),
      [op1, newcomer],
    ],
    ["M lowered by one officer", "POLICY-SIGNERS", next({ thresholds: { policy: 1, seal: 1 } }), [op2]],
    ["a stranger beside both quorums", "POLICY-SIGNERS", next(), [op1, op2, stranger]],
    ["the keeper beside both quorums", "POLICY-SIGNERS", next(), [op1, op2, keeper]],
    ["an older policy", "POLICY-CHAIN", genesis, everybody],
    ["a policy that leaves a number out", "POLICY-CHAIN", next({ number: 3 }), everybody],
    ["a policy after another one", "POLICY-CHAIN", next({ previous: "00".repeat(32) }), everybody],
    ["a policy of another appliance", "POLICY-CHAIN", next({ appliance: "box-2" }), everybody],
    [
      "an officer whom the old policy revokes nowhere but the new one does",
      "POLICY-SIGNERS",
      next({ revoked: [hex(sha256(op2.certificate))] }),
      [op1, op2],
    ],
  ];
  it.each(wrong)("T17: %s is refused (%s)", async (_, code, policy, by) => {
    await expect(verify(policy, by)).rejects.toMatchObject({ code });
  });

  it("T17: the chain is walked from the first to the last, and the order cannot change", async () => {
    const second = await sign(next(), [op1, op2]);
    const walked = await walkPolicyChain(nodeHost, [first, second], genesisDigest);
    expect(walked).toMatchObject({ number: 2, genesis: genesisDigest });
    expect((await walkPolicyChain(nodeHost, [first], undefined)).number).toBe(1);
    for (const p7ms of [[second], [second, first], [first, second, second], []]) {
      await expect(walkPolicyChain(nodeHost, p7ms, genesisDigest)).rejects.toMatchObject({ code: "POLICY-CHAIN" });
    }
  });

  it("POLICY-CHAIN: an organisation's own arc carries its own content type", async () => {
    const arc = "1.3.6.1.4.1.99999.7";
    const own = { ...genesis, arc, modes: ["offline"] as const, people: ownPeople(arc) };
    const p7m = await signedBy(ownSigners(arc), ownOids(arc).policy, policyBytes(own), times.policy);
    expect(await walkPolicyChain(nodeHost, [p7m], undefined)).toMatchObject({ policy: { arc } });
  });

  it("MODE: emergency needs another mode beside it, a key and rules; the rules need people, and a text once a language", async () => {
    const arc = "1.3.6.1.4.1.99999.7";
    const usual = { ...genesis, arc, modes: ["offline"] as const, people: ownPeople(arc) };
    const keys = { ...usual.keys, emergency: stranger.spki };
    const whole = { ...usual, emergency: rules, keys, modes: ["offline", "emergency"] as const };
    const { emergency: _, ...withoutRules } = whole;
    const twice = [...rules.texts, ...rules.texts];
    const walk = async (policy: Policy) => {
      const p7m = await signedBy(ownSigners(arc), ownOids(arc).policy, policyBytes(policy), times.policy);
      return walkPolicyChain(nodeHost, [p7m], undefined);
    };
    for (const policy of [
      whole,
      { ...whole, modes: ["offline"] as const },
      { ...usual, keys },
      { ...usual, emergency: rules },
    ]) {
      expect((await walk(policy)).number).toBe(1);
    }
    const refused: readonly (readonly [string, Policy])[] = [
      ["MODE", { ...whole, modes: ["emergency"] }],
      ["MODE", { ...whole, modes: ["offline", "test", "emergency"] }],
      ["MODE", { ...whole, keys: usual.keys }],
      ["MODE", withoutRules],
      ["SHAPE", { ...whole, keys: { ...keys, emergency: usual.keys.sealing } }],
      ["SHAPE", { ...whole, keys: { ...keys, time: stranger.spki } }],
      ["SHAPE", { ...whole, emergency: { ...rules, officers: 60 } }],
      ["SHAPE", { ...whole, emergency: { ...rules, operators: 60 } }],
      ["SHAPE", { ...whole, emergency: { ...rules, texts: twice } }],
    ];
    for (const [code, policy] of refused) await expect(walk(policy)).rejects.toMatchObject({ code });
  });

  it("MODE: the key of an emergency was not, and does not become, the sealing key", async () => {
    const allowed = allowing({ ...genesis });
    const swapped = { ...allowed.keys, emergency: allowed.keys.sealing, sealing: emergencyKey.spki };
    for (const [before, after] of [
      [genesis.keys, { ...genesis.keys, emergency: genesis.keys.sealing, sealing: stranger.spki }],
      [allowed.keys, swapped],
      [allowed.keys, { audit: genesis.keys.audit, sealing: emergencyKey.spki }],
    ] as const) {
      const old = { ...genesis, keys: before };
      const next = { ...old, keys: after, number: 2, previous: hex(sha256(policyBytes(old))) };
      const both = [await sign(old, everybody), await sign(next, everybody)];
      await expect(walkPolicyChain(nodeHost, both, undefined)).rejects.toMatchObject({ code: "MODE" });
    }
  });

  it("MODE: a policy that goes from test to use needs another key for emergencies, too", async () => {
    const arc = "1.3.6.1.4.1.99999.7";
    const { policy: oid } = ownOids(arc);
    const signed = (policy: Policy) => signedBy(ownSigners(arc), oid, policyBytes(policy), times.policy);
    const old = { ...allowing(genesis), arc, people: ownPeople(arc) };
    const modes = ["offline", "emergency"] as const;
    const next = { ...old, modes, number: 2, previous: hex(sha256(policyBytes(old))) };
    const keys = { ...old.keys, sealing: stranger.spki };
    const walk = async (policy: Policy) =>
      walkPolicyChain(nodeHost, [await signed(old), await signed(policy)], undefined);
    await expect(walk({ ...next, keys })).rejects.toMatchObject({ code: "MODE" });
    expect((await walk({ ...next, keys: { ...keys, emergency: keeper.spki } })).number).toBe(2);
  });

  it.each([
    ["test", "offline"],
    ["offline", "test"],
  ] as const)("MODE: a policy that goes from %s to %s needs another sealing key", async (before, after) => {
    const arc = "1.3.6.1.4.1.99999.7";
    const { policy: oid } = ownOids(arc);
    const signed = (policy: Policy) => signedBy(ownSigners(arc), oid, policyBytes(policy), times.policy);
    const old = { ...genesis, arc, modes: [before], people: ownPeople(arc) };
    const followed = { ...old, number: 2, previous: hex(sha256(policyBytes(old))), modes: [after] };
    const otherKey = { ...followed, keys: { ...followed.keys, sealing: stranger.spki } };
    const one = await signed(old);
    await expect(walkPolicyChain(nodeHost, [one, await signed(followed)], undefined)).rejects.toMatchObject({
      code: "MODE",
    });
    const walked = await walkPolicyChain(nodeHost, [one, await signed(otherKey)], undefined);
    expect(walked.policy.modes).toEqual([after]);
  });
});

const own = new Map<string, readonly Issued[]>();

function ownSigners(arc: string): readonly Issued[] {
  const made = own.get(arc) ?? ["a", "b"].map((name) => issue(root, { name, eku: [ownOids(arc).operator] }));
  own.set(arc, made);
  return made;
}

function ownPeople(arc: string): readonly Person[] {
  return ownSigners(arc).map(({ certificate }, at) => ({
    id: `p${at}`,
    name: "Person",
    roles: ["operator", "officer"] as const,
    certificates: [certificate],
  }));
}
