import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import { type Bundle, type BundleChanges, buildBundle } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { audit, issuer, oids, op1, op2, people, root, sealing, stranger } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { fingerprint, issue, makeRoot } from "../../pki/authority.ts";

const verify = (bundle: Bundle, trust: Partial<Trust> = {}, source: Partial<Bundle> = bundle) =>
  verifyBundle(nodeHost, memorySource({ files: bundle.files, ...source }), {
    roots: bundle.roots,
    genesis: bundle.genesis,
    ...trust,
  });

const found = async (changes: BundleChanges, trust: Partial<Trust> = {}) => {
  const { findings, ok } = await verify(await buildBundle(changes), trust);
  expect(ok).toBe(findings.length === 0);
  return findings.map(({ file, code }) => `${file} ${code}`);
};

describe("a whole bundle", () => {
  it("CHECKED-OUT: holds, and the verdict says who, when, how and under what", async () => {
    const bundle = await buildBundle();
    const verdict = await verify(bundle);
    expect(verdict).toMatchObject({
      ok: true,
      outcome: "sealed",
      findings: [],
      appliance: "box-1",
      number: 1,
      mode: "test",
      batch: "2026-11-23-contracts",
      submitter: { name: "CN=Contracts desk,O=Coldseal test" },
      claimedTime: times.manifest,
      quorum: "pinned to genesis",
      auditor: { subject: "CN=Audit,O=Coldseal test" },
      labels: { time: "local, not anchored", hsm: "software-token" },
      seals: { count: 3, checked: 3 },
      documents: { count: 3, checked: 3, notPresented: 0 },
    });
    expect(verdict.approvers.map(({ person }) => person).sort()).toEqual(["op1", "op2"]);
  });

  it("QUORUM: without the genesis digest it is only as the box claims", async () => {
    const { ok, quorum } = await verifyBundle(nodeHost, memorySource(await buildBundle()), {
      roots: [root.certificate],
    });
    expect({ ok, quorum }).toEqual({ ok: true, quorum: "only as the box claims" });
  });

  it("QUORUM: another genesis digest is found", async () => {
    const { findings, quorum } = await verify(await buildBundle(), { genesis: "00".repeat(32) });
    expect(findings.map(({ file, code }) => [file, code])).toEqual([["policy/0001.p7m", "POLICY-CHAIN"]]);
    expect(quorum).toBe("only as the box claims");
  });

  it("CHECKED-OUT: documents that are not presented are counted, not found", async () => {
    const bundle = await buildBundle();
    const [first] = bundle.documents;
    const one = await verify(bundle, {}, { documents: new Map([first as [string, Uint8Array]]) });
    expect(one).toMatchObject({ ok: true, documents: { count: 3, checked: 1, notPresented: 2 } });
    const none = await verifyBundle(nodeHost, memorySource({ files: bundle.files }), { roots: bundle.roots });
    expect(none).toMatchObject({ ok: true, documents: { checked: 0, notPresented: 3 }, seals: { checked: 3 } });
  });

  it("CLOCK: a claimed time after the verifier's own is found", async () => {
    const bundle = await buildBundle();
    expect((await verify(bundle, { at: times.manifest })).ok).toBe(true);
    expect((await verify(bundle, { at: times.sealing })).findings).toMatchObject([
      { file: "manifest.p7m", code: "CLOCK" },
    ]);
  });

  it("CMS-ALGORITHM: holds with RSA-3072, PKCS#1 v1.5 and PSS, and with P-384", async () => {
    const suites = ["rsa-pkcs1-sha256", "rsa-pss-sha512", "ecdsa-p384-sha384"] as const;
    for (const suite of suites) {
      const sealer = issue(issuer, { name: "Sealing", suite, eku: [oids.sealing] });
      const digest = sealer.suite.hash;
      const bundle = await buildBundle({
        sealer,
        policy: (policy) => ({
          ...policy,
          keys: { ...policy.keys, sealing: sealer.spki },
          profile: { ...policy.profile, digest, suite },
        }),
        head: (head) => ({ ...head, digestAlgorithm: digest }),
      });
      expect((await verify(bundle)).findings, suite).toEqual([]);
    }
  });

  it("CHECKED-OUT: more documents than one folder of seals holds", async () => {
    const documents = Object.fromEntries(Array.from({ length: 1003 }, (_, at) => [`document ${at}.txt`, `${at}`]));
    const bundle = await buildBundle({ documents });
    expect(await verify(bundle)).toMatchObject({ ok: true, seals: { checked: 1003 }, documents: { checked: 1003 } });
    const files = new Map(bundle.files).set("seals/0000/extra", new Uint8Array(1));
    files.delete("seals/0001/001002-document-1001.txt.p7s");
    expect((await verify(bundle, {}, { files })).findings.map(({ file }) => file)).toEqual([
      "seals/0000/extra",
      "seals/0001/001002-document-1001.txt.p7s",
    ]);
  });
});

describe("an aborted batch", () => {
  it("ABORTED: verifies as what it is: outcome, reason, no seals", async () => {
    const verdict = await verify(await buildBundle({ abortedAfter: 2 }));
    expect(verdict).toMatchObject({
      ok: true,
      outcome: "aborted",
      reason: "op1: the wrong stick",
      seals: { count: 2, checked: 0 },
    });
    expect(await verify(await buildBundle({ abortedAfter: 0 }))).toMatchObject({ ok: true, outcome: "aborted" });
  });

  it("ABORTED: a seal that lies in it all the same is found and named", async () => {
    const bundle = await buildBundle({ abortedAfter: 2 });
    const whole = await buildBundle();
    const [path, seal] = [...whole.files].find(([name]) => name.startsWith("seals/")) as [string, Uint8Array];
    bundle.files.set(path, seal);
    const { findings } = await verify(bundle);
    expect(findings.map(({ file, code }) => `${file} ${code}`)).toContain(`${path} ABORTED`);
  });

  it("ABORTED: a changed sealing certificate is named without a seal to show it", async () => {
    const bundle = await buildBundle({ abortedAfter: 1 });
    bundle.files.set("certificates/sealing-1.der", audit.certificate);
    const { findings } = await verify(bundle);
    expect(findings.map(({ file }) => file)).toContain("certificates/sealing-1.der");
  });
});

describe("a box that lies", () => {
  const other = makeRoot({ name: "Other" });
  const policyOf = (changes: Partial<Policy>) => (policy: Policy) => ({ ...policy, ...changes });
  const lying = (changes: Partial<Manifest>) => (manifest: Manifest) => ({ ...manifest, ...changes });
  const twice = issue(root, { name: "second token of op1", eku: [oids.operator] });
  const withTwo = people.map((one) =>
    one.id === "op1" ? { ...one, certificates: [op1.certificate, twice.certificate] } : one,
  );

  const lies: readonly (readonly [string, string, RefusalCode, BundleChanges])[] = [
    ["QUORUM: one approver", "authorization.p7m", "QUORUM", { approvers: [op1] }],
    [
      "QUORUM: one person with two tokens",
      "authorization.p7m",
      "PERSON-TWICE",
      {
        policy: policyOf({ people: withTwo }),
        approvers: [op1, twice],
      },
    ],
    [
      "QUORUM: a stranger beside a full quorum",
      "authorization.p7m",
      "PERSON-UNKNOWN",
      { approvers: [op1, op2, stranger] },
    ],
    [
      "T16: another batch was approved",
      "authorization.p7m",
      "CHALLENGE-MATCH",
      {
        challenge: (challenge) => ({ ...challenge, batchDigest: "11".repeat(32) }),
      },
    ],
    [
      "T16: other counts were approved",
      "authorization.p7m",
      "CHALLENGE-MATCH",
      {
        challenge: (challenge) => ({ ...challenge, count: 2 }),
      },
    ],
    [
      "T16: approved under another policy",
      "authorization.p7m",
      "POLICY-DIGEST",
      {
        challenge: (challenge) => ({ ...challenge, policyDigest: "11".repeat(32) }),
      },
    ],
    [
      "T16: approved after the challenge expired",
      "authorization.p7m",
      "CHALLENGE-EXPIRED",
      {
        challenge: (challenge) => ({ ...challenge, expires: times.request }),
      },
    ],
    ["T11: audited by the sealing key", "manifest.p7m", "PATH-USAGE", { auditor: sealing }],
    [
      "T11: audited under another root",
      "manifest.p7m",
      "PATH-ROOT",
      {
        auditor: issue(other, { name: "Audit", eku: [oids.audit] }),
      },
    ],
    [
      "T11: audited by a key that the policy does not name",
      "manifest.p7m",
      "MANIFEST-BIND",
      {
        auditor: issue(issuer, { name: "Audit", eku: [oids.audit] }),
      },
    ],
    [
      "T11: audited by an expired certificate",
      "manifest.p7m",
      "PATH-TIME",
      {
        auditor: issue(issuer, { name: "Audit", key: audit.key, eku: [oids.audit], notAfter: times.sealing }),
      },
    ],
    [
      "T11: a revoked audit certificate",
      "manifest.p7m",
      "PATH-REVOKED",
      {
        policy: policyOf({ revoked: [fingerprint(audit.certificate)] }),
      },
    ],
    [
      "T11: sealed by a certificate for another use",
      "seals/0000/000001-a.p7s",
      "PATH-USAGE",
      {
        documents: { a: "one" },
        sealer: issue(issuer, { name: "Sealing", key: sealing.key, eku: [oids.audit] }),
      },
    ],
    [
      "T11: sealed by a key that the policy does not name",
      "seals/0000/000001-a.p7s",
      "SEAL-BIND",
      {
        documents: { a: "one" },
        sealer: issue(issuer, { name: "Sealing", eku: [oids.sealing] }),
      },
    ],
    [
      "T11: a revoked sealing certificate",
      "seals/0000/000001-a.p7s",
      "PATH-REVOKED",
      {
        documents: { a: "one" },
        policy: policyOf({ revoked: [fingerprint(sealing.certificate)] }),
      },
    ],
    [
      "BATCH-EXPIRED: approved after the request's time",
      "batch.p7m",
      "BATCH-EXPIRED",
      {
        head: (head) => ({ ...head, expires: times.request }),
      },
    ],
    [
      "MODE: a mode that the policy does not allow",
      "manifest.p7m",
      "MODE",
      { head: (head) => ({ ...head, mode: "offline" }) },
    ],
    [
      "T4: more bytes than the policy takes",
      "batch.p7m",
      "MEDIA-LIMIT",
      {
        policy: (policy) => ({ ...policy, limits: { ...policy.limits, batchBytes: 2 } }),
      },
    ],
    [
      "CHAIN: number 1 after something else than the genesis policy",
      "manifest.p7m",
      "CHAIN",
      {
        manifest: lying({ previous: "11".repeat(32) }),
      },
    ],
    [
      "MANIFEST-BIND: another number in the seals",
      "seals/0000/000001-a.p7s",
      "SEAL-BIND",
      {
        documents: { a: "one" },
        manifest: lying({ number: 2 }),
      },
    ],
    ["MANIFEST-BIND: another appliance", "manifest.p7m", "MANIFEST-BIND", { manifest: lying({ appliance: "box-2" }) }],
    ["HONEST: aborted without a reason", "manifest.p7m", "HONEST", { manifest: lying({ outcome: "aborted" }) }],
    [
      "HONEST: a network link that the policy forbids",
      "manifest.p7m",
      "HONEST",
      {
        policy: policyOf({ network: "fatal" }),
        manifest: (manifest) => ({ ...manifest, labels: { ...manifest.labels, network: "present-recorded" } }),
      },
    ],
    ["CLOCK: approvals after the manifest", "manifest.p7m", "CLOCK", { manifest: lying({ created: times.request }) }],
  ];
  it.each(lies)("%s: %s is named (%s)", async (_, file, code, changes) => {
    expect(await found(changes)).toContain(`${file} ${code}`);
  });

  const facts: readonly (readonly [string, (manifest: Manifest) => Manifest])[] = [
    ["batch", (m) => ({ ...m, request: { ...m.request, batch: "another" } })],
    ["purpose", (m) => ({ ...m, request: { ...m.request, purpose: "another" } })],
    ["expiry", (m) => ({ ...m, request: { ...m.request, expires: times.manifest } })],
    ["identity", (m) => ({ ...m, request: { ...m.request, identity: "11".repeat(32) } })],
    ["submitter", (m) => ({ ...m, request: { ...m.request, submitter: { ...m.request.submitter, name: "x" } } })],
    [
      "submitter's key",
      (m) => ({ ...m, request: { ...m.request, submitter: { ...m.request.submitter, key: "11".repeat(32) } } }),
    ],
    ["nonce", (m) => ({ ...m, authorization: { ...m.authorization, nonce: "11".repeat(32) } })],
    [
      "an approver left out",
      (m) => ({
        ...m,
        authorization: { ...m.authorization, approvers: m.authorization.approvers.slice(1) },
      }),
    ],
    [
      "an approver's time",
      (m) => ({
        ...m,
        authorization: {
          ...m.authorization,
          approvers: m.authorization.approvers.map((one) => ({ ...one, signed: times.request })),
        },
      }),
    ],
    ["Merkle root", (m) => ({ ...m, documents: { ...m.documents, root: "11".repeat(32) } })],
    ["sum of sizes", (m) => ({ ...m, documents: { ...m.documents, bytes: 1 } })],
    ["count", (m) => ({ ...m, documents: { ...m.documents, count: 4, sealed: 4 } })],
    ["policy's number", (m) => ({ ...m, policy: { ...m.policy, number: 2 } })],
  ];
  it.each(facts)("MANIFEST-BIND: the manifest's %s is held against the files", async (_, manifest) => {
    const all = await found({ manifest });
    expect(
      all.some((one) => /^(manifest\.p7m|policy\/0002\.p7m) /.test(one)),
      all.join(),
    ).toBe(true);
  });
});

describe("hostile sources", () => {
  it("T5: whatever files hold, the verdict comes and says no", async () => {
    const bundle = await buildBundle();
    const junk = [
      new Uint8Array(0),
      Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff),
      new Uint8Array(5000).fill(0x30),
    ];
    for (const bytes of junk) {
      const files = new Map([...bundle.files.keys()].map((path) => [path, bytes]));
      const verdict = await verify(bundle, {}, { files, documents: bundle.documents });
      expect(verdict).toMatchObject({
        ok: false,
        outcome: "unknown",
        manifest: null,
        quorum: "not shown",
        approvers: [],
      });
      expect(verdict.findings.filter(({ code }) => code === "INTERNAL")).toEqual([]);
    }
  });

  it("BUNDLE-FORM: an empty folder is no bundle", async () => {
    const bundle = await buildBundle();
    const { ok, findings } = await verify(bundle, {}, { files: new Map() });
    expect(ok).toBe(false);
    expect(findings.map(({ file }) => file)).toEqual(
      expect.arrayContaining(["manifest.p7m", "authorization.p7m", "batch.p7m", "documents.jsonl", "policy/0001.p7m"]),
    );
  });

  it("MEDIA-READ: a source that fails is a finding, not a fault", async () => {
    const bundle = await buildBundle();
    const source = memorySource(bundle);
    const failing = { ...source, list: async () => Promise.reject(new Error("gone")) };
    expect((await verifyBundle(nodeHost, failing, { roots: bundle.roots })).ok).toBe(false);
    const unreadable = { ...source, documentDigest: async () => Promise.reject(new Error("gone")) };
    const { findings } = await verifyBundle(nodeHost, unreadable, { roots: bundle.roots });
    expect(findings.map(({ file }) => file)).toEqual([...bundle.documents.keys()].map((name) => `documents/${name}`));
  });

  it("T3: a list or request is read once where it is short; one that is another when it is read again is found", async () => {
    const bundle = await buildBundle();
    const other = await buildBundle({ documents: { "other.pdf": "1", "2.pdf": "2", "3.pdf": "3" } });
    for (const file of ["documents.jsonl", "batch.p7m"]) {
      const [honest, swapped] = [memorySource(bundle), memorySource(other)];
      let reads = 0;
      const stream = (path: string) => (path === file && reads++ > 0 ? swapped : honest).stream(path);
      const verdict = (mostKept: number) => {
        reads = 0;
        return verifyBundle(nodeHost, { ...honest, stream }, { roots: bundle.roots }, undefined, { mostKept });
      };
      const { length } = bundle.files.get(file) as Uint8Array;
      expect((await verdict(length)).ok).toBe(true);
      expect(reads).toBe(1);
      const usual = await verifyBundle(nodeHost, { ...honest, stream }, { roots: bundle.roots });
      expect(usual.findings.map(({ code }) => code)).not.toContain("MEDIA-CHANGED");
      const { findings } = await verdict(length - 1);
      expect(findings.map(({ file: about, code }) => `${about} ${code}`)).toContain(`${file} MEDIA-CHANGED`);
    }
  });
});
