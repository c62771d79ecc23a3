import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { type Policy, policyJson, policyVersion, readPolicy } from "../../../manifests/records/policy.ts";
import { verifyGenesis } from "../../../manifests/records/policy-chain.ts";
import type { LedgerRules } from "../../../manifests/records/policy-ledger.ts";
import { oids, op1, op2, op3, root, sealing } from "../../bundle/people.ts";
import { makePolicy, policyBytes, signedBy, times } from "../../bundle/signed.ts";
import { issue } from "../../pki/authority.ts";
import { codeOf } from "../log/code-of.ts";
import { acknowledger, ledgerRoot, TestLedger } from "../log/test-ledger.ts";

const ledger = await TestLedger.make();
const rules = (change: Partial<LedgerRules> = {}): Policy =>
  makePolicy({ ledger: { ...ledger.rules(), ...change }, version: 2 });
const signed = (policy: Policy) => signedBy([op1, op2, op3], oids.policy, policyBytes(policy), times.policy);

describe("a policy that names a ledger", () => {
  it("SHAPE: is of version 2, reads to what it was, and one without stays of version 1, byte for byte", () => {
    const policy = rules({ outstanding: { hours: 24, manifests: 5 } });
    const bytes = policyBytes(policy);
    expect(canonicalBytes(policyJson(readPolicy(bytes)))).toEqual(bytes);
    expect(policyVersion(policy)).toBe(2);
    expect(new TextDecoder().decode(policyBytes(makePolicy()))).toMatch(/"type":"policy","version":1}$/);
  });

  it("SHAPE: version 1 cannot hold it, version 2 is nothing else, and there is no version 3", async () => {
    const { ledger: _, ...without } = rules();
    for (const wrong of [
      { ...rules(), version: 1 as const },
      { ...without, version: 2 as const },
    ]) {
      expect(await codeOf(() => readPolicy(policyBytes(wrong)))).toBe("SHAPE");
    }
    const third = { ...(policyJson(rules()) as { readonly [name: string]: Json }), version: 3 };
    expect(await codeOf(() => readPolicy(canonicalBytes(third)))).toBe("SHAPE");
  });

  it("POLICY-CHAIN: is taken with keys that can be read", async () => {
    expect((await verifyGenesis(nodeHost, oids, await signed(rules()))).policy.ledger?.cosignatures).toBe(1);
  });

  const [first = "", second = ""] = ledger.rules().witnesses;
  const certified = (eku: string, spki = acknowledger.key) =>
    issue(ledgerRoot, { name: "ledger", eku: [eku], key: spki }).certificate;
  const wrong: readonly (readonly [string, string, Partial<LedgerRules>])[] = [
    ["a log key that is none", "LOG-NOTE", { checkpointKey: "ledger.example/log+00000000+AAAA" }],
    ["a witness's key for the log", "LOG-NOTE", { checkpointKey: first, origin: "witness.example/1" }],
    ["the log's key as a witness", "LOG-NOTE", { witnesses: [ledger.rules().checkpointKey] }],
    ["a witness twice", "LOG-NOTE", { witnesses: [first, first] }],
    ["another name than the origin", "SHAPE", { origin: "other.example/log" }],
    ["more cosignatures than witnesses", "SHAPE", { cosignatures: 3, witnesses: [first, second] }],
    ["a certificate for something else", "PATH-USAGE", { acknowledgement: certified(oids.audit) }],
    ["a CA's certificate", "PATH-USAGE", { acknowledgement: ledgerRoot.certificate }],
    ["no certificate", "PATH-FORM", { acknowledgement: Uint8Array.of(0x30, 0) }],
    ["the box's sealing key", "SHAPE", { acknowledgement: certified(oids.acknowledging, sealing.key) }],
    ["a person's key", "SHAPE", { acknowledgement: certified(oids.acknowledging, op1.key) }],
  ];
  it.each(wrong)("POLICY-CHAIN: %s is refused (%s)", async (_, code, change) => {
    const p7m = await signed(rules(change));
    expect(await codeOf(() => verifyGenesis(nodeHost, oids, p7m))).toBe(code);
  });

  it("PATH-USAGE: who issued the certificate does not matter: it is pinned as it is", async () => {
    const own = issue(root, { name: "another", eku: [oids.acknowledging] }).certificate;
    await verifyGenesis(nodeHost, oids, await signed(rules({ acknowledgement: own })));
  });
});
