import { describe, expect, it } from "vitest";
import { policyChanges } from "../../../ceremony/procedures/policy/changes.ts";
import { policyLines } from "../../../ceremony/procedures/policy/policy-words.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { makePolicy } from "../../bundle/signed.ts";
import { TestLedger } from "../../manifests/log/test-ledger.ts";
import { fingerprint, makeRoot } from "../../pki/authority.ts";

describe("what a policy says and changes, for those who sign it", () => {
  it("POLICY-SIGNERS: a limit that the next policy leaves out is shown as much as one that it adds", () => {
    const limited = makePolicy({ unlocked: { seals: 1000, seconds: 3600 } });
    const unlimited = makePolicy();
    expect(policyChanges(limited, unlimited)).toEqual([
      "unlocked.seals: no more 1000",
      "unlocked.seconds: no more 3600",
    ]);
    expect(policyChanges(unlimited, limited)).toEqual(["unlocked.seals: new 1000", "unlocked.seconds: new 3600"]);
    const other = makePolicy({ unlocked: { seals: 10, seconds: 3600 } });
    expect(policyChanges(limited, other)).toEqual(["unlocked.seals: 1000 becomes 10"]);
    expect(policyChanges(limited, limited)).toEqual(["Nothing changes but the number."]);
  });

  it("POLICY-SIGNERS: a root or a revocation more is named by subject and whole digest, wherever it stands in its list", () => {
    const { submitters } = makePolicy();
    const evil = makeRoot({ name: "Evil \u202e" }).certificate;
    const more = makePolicy({
      revoked: ["ab".repeat(32)],
      submitters: { ...submitters, roots: [...submitters.roots, evil] },
    });
    expect(policyChanges(makePolicy(), more)).toEqual([
      `revoked: new ${"ab".repeat(32)}`,
      `submitters.roots: new certificate of CN=Evil \\e2\\80\\ae,O=Coldseal test, SHA-256 ${fingerprint(evil)}`,
    ]);
    expect(policyChanges(more, makePolicy())).toHaveLength(2);
    const first = makePolicy({ ...more, submitters: { ...submitters, roots: [evil, ...submitters.roots] } });
    expect(policyChanges(more, first)).toEqual(["Nothing changes but the number."]);
  });

  it("POLICY-SIGNERS: what a policy asks of revocation data is shown, its roots by subject and whole digest", () => {
    const { certificate } = makeRoot({ name: "Box CA" });
    const asking = makePolicy({ revocation: { maximumAgeSeconds: 604_800, roots: [certificate], stale: "refuse" } });
    expect([...policyChanges(makePolicy(), asking)].sort()).toEqual([
      "revocation.maximumAgeSeconds: new 604800",
      `revocation.roots: new certificate of CN=Box CA,O=Coldseal test, SHA-256 ${fingerprint(certificate)}`,
      "revocation.stale: new refuse",
    ]);
  });

  it("POLICY-SIGNERS: which ledger counts is shown: its keys, its witnesses, its certificate by subject and whole digest", async () => {
    const ledger = (await TestLedger.make()).rules({ outstanding: { hours: 24, manifests: 5 } });
    expect([...policyChanges(makePolicy(), makePolicy({ ledger, version: 2 }))].sort()).toEqual([
      `ledger.acknowledgement: new certificate of CN=ledger,O=Coldseal test, SHA-256 ${fingerprint(ledger.acknowledgement)}`,
      `ledger.checkpointKey: new ${ledger.checkpointKey}`,
      "ledger.cosignatures: new 1",
      `ledger.origin: new ${ledger.origin}`,
      "ledger.outstanding.hours: new 24",
      "ledger.outstanding.manifests: new 5",
      ...ledger.witnesses.map((one) => `ledger.witnesses: new ${one}`),
      "version: 1 becomes 2",
    ]);
  });

  it("POLICY-SIGNERS: a whole policy leaves nothing out: every value and every certificate's digest is in its lines", () => {
    const policy = makePolicy({ unlocked: { seals: 1000, seconds: 3600 }, texts: { approval: "x".repeat(2000) } });
    const lines = policyLines(policy).join("\n");
    for (const wanted of [
      "thresholds.seal: 2",
      "unlocked.seals: 1000",
      "x".repeat(2000),
      ...policy.people.flatMap(({ certificates }) => certificates.map(fingerprint)),
      ...policy.submitters.roots.map(fingerprint),
    ]) {
      expect(lines).toContain(wanted);
    }
    expect(lines).not.toContain(hex(policy.keys.audit));
  });
});
