import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../../host/crypto-host.ts";
import { base64 } from "../../../../manifests/encoding/bytes.ts";
import { orderBytes } from "../../../../manifests/records/order.ts";
import { verifyBundle } from "../../../../manifests/verify/bundle.ts";
import { verifyChain } from "../../../../manifests/verify/chain/chain.ts";
import { ChainFindings } from "../../../../manifests/verify/chain/chain-findings.ts";
import { placedIn } from "../../../../manifests/verify/chain/chain-place.ts";
import { ChainUses } from "../../../../manifests/verify/chain/chain-uses.ts";
import type { Bundle } from "../../../bundle/build.ts";
import { signManifest } from "../../../bundle/build.ts";
import { auditOf, bundleAt, chainOf, digestOf, layAudit, layBundle, other, type Stick } from "../../../bundle/chain.ts";
import { memorySource } from "../../../bundle/memory-source.ts";
import { issuer, oids, op1, op2, sealing } from "../../../bundle/people.ts";
import { signedBy, times } from "../../../bundle/signed.ts";
import { issue } from "../../../pki/authority.ts";

const five = await chainOf(5);
const [first, second, third, fourth, fifth] = five as readonly [Bundle, Bundle, Bundle, Bundle, Bundle];
const trust = { roots: first.roots, genesis: first.genesis };
const verified = (stick: Stick, more: Partial<Parameters<typeof verifyChain>[2]> = {}) =>
  verifyChain(nodeHost, memorySource({ files: stick }), { ...trust, ...more });
const found = async (stick: Stick) => (await verified(stick)).findings.map(({ code, file }) => `${code} ${file}`);
/** All but some of the five, as the keeper has them. */
const without = (...numbers: readonly number[]) =>
  auditOf(five.filter(({ manifest }) => !numbers.includes(manifest.number)));
const manifestAt = (number: number) => `coldseal/audit/${number}/manifest.p7m`;

describe("a chain that holds", () => {
  it("CHAIN: the keeper's records are one unbroken chain; without policies nothing is said of the quorum", async () => {
    const verdict = await verified(auditOf(five));
    expect(verdict.findings).toEqual([]);
    expect(verdict).toMatchObject({
      ok: true,
      appliance: "box-1",
      genesis: first.genesis,
      pinned: true,
      first: 1,
      last: 5,
      seen: [{ from: 1, to: 5 }],
      gaps: [],
      linked: [{ from: 1, to: 5 }],
      manifests: 5,
      copies: 0,
      modes: [{ mode: "test", numbers: [{ from: 1, to: 5 }] }],
      quorum: "not shown",
      records: { read: 5, underPolicy: 0, approvalsCounted: 0, approvalsNotPresented: 0, lists: 5, logged: 0 },
      indication: { main: "TOTAL-PASSED", sub: null },
    });
  });

  it("QUORUM: with one policy anywhere below the folder all approvals are counted anew, also the keeper's", async () => {
    const stick = auditOf([first, second]);
    layBundle(stick, "a/b/c", third);
    layAudit(stick, fourth, "elsewhere/audit");
    layBundle(stick, "coldseal/outbox/batch-5", fifth);
    const verdict = await verified(stick);
    expect(verdict.findings).toEqual([]);
    expect(verdict).toMatchObject({
      ok: true,
      quorum: "pinned to genesis",
      records: { read: 5, underPolicy: 5, approvalsCounted: 5 },
    });
    const { genesis: _, ...unpinned } = trust;
    expect(await verifyChain(nodeHost, memorySource({ files: stick }), unpinned)).toMatchObject({
      ok: true,
      pinned: false,
      quorum: "only as the box claims",
    });
  });

  it("CHAIN: policies that ceremonies left beside the box count as well", async () => {
    const stick = auditOf(five);
    stick.set("coldseal/box/box-1/policies/policy-0001.p7m", first.files.get("policy/0001.p7m") as Uint8Array);
    expect(await verified(stick)).toMatchObject({ ok: true, quorum: "pinned to genesis" });
  });

  it("T25: the same manifest in audit and bundle, and the same content signed anew, are no fork", async () => {
    const stick = auditOf(five);
    layBundle(stick, "coldseal/outbox/batch-2", second);
    const again = new Map([...third.files, ["manifest.p7m", await signManifest(third.manifest)]]);
    layBundle(stick, "coldseal/outbox/again", { files: again });
    expect(again.get("manifest.p7m")).not.toEqual(third.files.get("manifest.p7m"));
    expect(await verified(stick)).toMatchObject({ ok: true, manifests: 5, copies: 2, linked: [{ from: 1, to: 5 }] });
  });

  it("HONEST: modes are told with their numbers", async () => {
    expect((await verified(auditOf(five))).modes).toEqual([{ mode: "test", numbers: [{ from: 1, to: 5 }] }]);
  });
});

describe("what is missing", () => {
  it.each([
    ["the first", [1], [{ from: 1, to: 1, known: "by a link" }], [{ from: 2, to: 5 }]],
    [
      "some in the middle",
      [2, 3],
      [{ from: 2, to: 3, known: "by a link" }],
      [
        { from: 1, to: 1 },
        { from: 4, to: 5 },
      ],
    ],
    [
      "two apart",
      [2, 4],
      [
        { from: 2, to: 2, known: "by a link" },
        { from: 4, to: 4, known: "by a link" },
      ],
      [
        { from: 1, to: 1 },
        { from: 3, to: 3 },
        { from: 5, to: 5 },
      ],
    ],
  ])("CHAIN: %s: a gap is named, and is no fault of what is there", async (_, numbers, gaps, linked) => {
    const verdict = await verified(without(...numbers));
    expect(verdict).toMatchObject({ ok: true, findings: [], gaps, linked });
    expect(verdict.indication).toMatchObject({ main: "INDETERMINATE", sub: "SIGNED_DATA_NOT_FOUND" });
  });

  it("HONEST: nothing here shows that the last is missing, and the verdict ends with the last that is there", async () => {
    expect(await verified(without(5))).toMatchObject({ ok: true, last: 4, gaps: [] });
  });

  it("BUNDLE-FORM: a folder without any manifest", async () => {
    const verdict = await verified(new Map([["coldseal/audit/1/authorization.p7m", new Uint8Array(1)]]));
    expect(verdict).toMatchObject({ ok: false, manifests: 0, appliance: null, findings: [{ code: "BUNDLE-FORM" }] });
  });
});

describe("mutants of a chain", () => {
  it("T25: two different manifests of one number: both are named, and which of them the next one follows", async () => {
    const forked = await bundleAt({ number: 3, previous: digestOf(second) }, { manifest: other });
    const stick = auditOf(five);
    layBundle(stick, "coldseal/outbox/forked", forked);
    const { findings, ok } = await verified(stick);
    expect([ok, findings.map(({ code }) => code)]).toEqual([false, ["CHAIN"]]);
    const [{ expected = "", file = "", got = "", message = "" } = {}] = findings;
    expect(message).toBe("two different manifests have number 3");
    const told = [expected, got].sort();
    const words = [
      `${manifestAt(3)}, ${digestOf(third)}, which number 4 follows`,
      `coldseal/outbox/forked/manifest.p7m, ${digestOf(forked)}`,
    ];
    expect(told).toEqual(words.sort());
    expect([manifestAt(3), "coldseal/outbox/forked/manifest.p7m"]).toContain(file);
  });

  it("T25: the last one twice", async () => {
    const stick = auditOf(five);
    layAudit(stick, await bundleAt({ number: 5, previous: digestOf(fourth) }, { manifest: other }), "second/audit");
    expect((await verified(stick)).findings.map(({ message }) => message)).toEqual([
      "two different manifests have number 5",
    ]);
  });

  it("CHAIN: two whose folders were swapped", async () => {
    const stick = without(2, 3);
    for (const [number, bundle] of [
      [2, third],
      [3, second],
    ] as const) {
      layAudit(stick, { files: bundle.files, manifest: { ...bundle.manifest, number } });
    }
    expect(await found(stick)).toEqual([`CHAIN ${manifestAt(2)}`, `CHAIN ${manifestAt(3)}`]);
  });

  it("CHAIN: one with another previous", async () => {
    const wrong = await bundleAt({ number: 3, previous: "ab".repeat(32) });
    const stick = without(3, 4, 5);
    layAudit(stick, wrong);
    const verdict = await verified(stick);
    expect(verdict).toMatchObject({
      ok: false,
      linked: [
        { from: 1, to: 2 },
        { from: 3, to: 3 },
      ],
    });
    expect(verdict.findings).toMatchObject([
      { code: "CHAIN", file: manifestAt(3), expected: digestOf(second), got: "ab".repeat(32) },
    ]);
    expect(verdict.indication).toMatchObject({ main: "INDETERMINATE", sub: "SIG_CONSTRAINTS_FAILURE" });
  });

  it("CHAIN: number 1 that follows something else than the genesis policy", async () => {
    const stick = auditOf([await bundleAt({ number: 1, previous: "ab".repeat(32) })]);
    expect(await found(stick)).toEqual([`CHAIN ${manifestAt(1)}`]);
  });

  it("CHAIN: one that was given another number, and what it sealed and its approvals, which are there twice now", async () => {
    const renumbered = await bundleAt(
      { number: 3, previous: digestOf(second) },
      {
        manifest: (manifest) => ({
          ...manifest,
          number: 6,
          previous: digestOf(fifth),
          journal: { ...manifest.journal, sequence: 60 },
          created: "2026-11-20T13:00:00Z",
        }),
      },
    );
    const stick = auditOf([...five, renumbered]);
    expect(await found(stick)).toEqual([`SEAL-ONCE ${manifestAt(6)}`, `NONCE-USED ${manifestAt(6)}`]);
  });

  it("SEAL-ONCE: what was sealed again, unless an order of the quorum lets it be", async () => {
    const again = await bundleAt(
      { number: 6, previous: digestOf(fifth) },
      { documents: { "contract 3.pdf": "%PDF-1.7 3" }, head: (head) => ({ ...head, batch: "batch-3" }) },
    );
    const stick = auditOf([...five, again]);
    layBundle(stick, "coldseal/outbox/batch-1", first);
    expect(await found(stick)).toEqual([`SEAL-ONCE ${manifestAt(6)}`]);
    const order = (manifests: readonly number[]) =>
      orderBytes({
        appliance: "box-1",
        created: times.manifest,
        expires: times.expires,
        kind: "reseal",
        number: 1,
        policyDigest: first.genesis,
        previous: null,
        what: { key: base64(sealing.spki), manifests, reason: "a test", since: null },
      });
    const path = "coldseal/box/box-1/orders/0001.p7m";
    stick.set(path, await signedBy([op1, op2], oids.order, order([2])));
    expect(await found(stick)).toEqual([`SEAL-ONCE ${manifestAt(6)}`]);
    stick.set(path, await signedBy([op1], oids.order, order([3])));
    expect(await found(stick)).toEqual([`QUORUM ${path}`, `SEAL-ONCE ${manifestAt(6)}`]);
    stick.set(path, await signedBy([op1, op2], oids.order, order([3])));
    expect(await verified(stick)).toMatchObject({ ok: true, manifests: 6 });
  });

  it("CHAIN: another box's among them; by the pinned genesis, else by the number of manifests", async () => {
    const foreign = await bundleAt(
      { number: 6 },
      {
        policy: (policy) => ({ ...policy, appliance: "box-2" }),
        challenge: (one) => ({ ...one, appliance: "box-2" }),
        manifest: (one) => ({ ...one, appliance: "box-2" }),
      },
    );
    const stick = auditOf([...five, foreign]);
    const { findings, appliance } = await verified(stick);
    expect([appliance, findings]).toMatchObject([
      "box-1",
      [{ code: "CHAIN", file: manifestAt(6), message: "a manifest of another box" }],
    ]);
    const pinned = await verified(stick, { genesis: foreign.genesis });
    expect(pinned).toMatchObject({ appliance: "box-2", manifests: 1, gaps: [{ from: 1, to: 5 }] });
    expect(pinned.findings).toMatchObject([{ code: "CHAIN", message: "5 manifests of another box" }]);
  });

  it("POLICY-CHAIN: no manifest of the pinned genesis", async () => {
    const { findings } = await verified(auditOf(five), { genesis: "cd".repeat(32) });
    expect(findings).toMatchObject([{ code: "POLICY-CHAIN", expected: "cd".repeat(32), got: first.genesis }]);
  });

  it("CLOCK: one that is earlier than the one before, and the clock was not set between them", async () => {
    const early = await bundleAt({ number: 4, previous: digestOf(third), created: times.manifest });
    const stick = without(4, 5);
    layAudit(stick, early);
    expect(await found(stick)).toEqual([`CLOCK ${manifestAt(4)}`]);
  });

  it("CLOCK: one that is earlier because the clock was set is told, and no fault", async () => {
    const lastSet = "2026-11-20T12:00:00Z";
    const set = (one: Bundle["manifest"]) => ({ ...one, clock: { ...one.clock, lastSet, source: "by order" } });
    const early = await bundleAt({ number: 4, previous: digestOf(third), created: times.manifest }, { manifest: set });
    const stick = without(4, 5);
    layAudit(stick, early);
    expect(await verified(stick)).toMatchObject({
      ok: true,
      clockSetBack: [{ number: 4, from: third.manifest.created, to: times.manifest }],
    });
  });

  it("CHAIN: one that stands before an earlier one in the journal", async () => {
    const wrong = await bundleAt(
      { number: 4, previous: digestOf(third) },
      { manifest: (one) => ({ ...one, journal: { ...one.journal, sequence: 30 } }) },
    );
    const stick = without(4, 5);
    layAudit(stick, wrong);
    expect(await found(stick)).toEqual([`CHAIN ${manifestAt(4)}`]);
  });

  it("MANIFEST-BIND: two audit keys under one policy, although no policy is at hand", async () => {
    const stolen = issue(issuer, { name: "Other audit", eku: [oids.audit] });
    const stick = without(5);
    layAudit(stick, await bundleAt({ number: 5, previous: digestOf(fourth) }, { auditor: stolen }));
    expect(await found(stick)).toEqual([`MANIFEST-BIND ${manifestAt(5)}`]);
  });

  it("MANIFEST-BIND: by an audit key that the policy does not name: it is no part of the chain", async () => {
    const stolen = issue(issuer, { name: "Other audit", eku: [oids.audit] });
    const stick = auditOf(five);
    layBundle(stick, "outbox/x", await bundleAt({ number: 5, previous: digestOf(fourth) }, { auditor: stolen }));
    expect(await verified(stick)).toMatchObject({
      ok: false,
      manifests: 5,
      copies: 0,
      findings: [{ code: "MANIFEST-BIND", file: "outbox/x/manifest.p7m" }],
    });
  });

  it.each(["manifest.p7m", "authorization.p7m", "documents.jsonl"] as const)(
    "CHECKED-OUT: a changed byte in any %s is found",
    async (name) => {
      const stick = auditOf(five);
      const path = `coldseal/audit/3/${name}`;
      const bytes = (stick.get(path) as Uint8Array).slice();
      bytes[bytes.length - 30] = (bytes[bytes.length - 30] as number) ^ 1;
      stick.set(path, bytes);
      const verdict = await verified(stick);
      expect(verdict.ok).toBe(false);
      expect([...new Set(verdict.findings.map(({ file }) => file))]).toEqual([path]);
      if (name === "manifest.p7m")
        expect(verdict).toMatchObject({ gaps: [{ from: 3, to: 3 }], indication: { main: "TOTAL-FAILED" } });
    },
  );

  it("MODE: one sealing key in two modes; two keys in two modes are none of it", () => {
    const findings = new ChainFindings();
    const uses = new ChainUses();
    const { manifest } = first;
    const { sealing } = manifest.keys;
    uses.take(manifest, "1", findings);
    uses.take(
      { ...manifest, mode: "offline", keys: { ...manifest.keys, sealing: { ...sealing, key: "11".repeat(32) } } },
      "2",
      findings,
    );
    expect(findings.count).toBe(0);
    uses.take({ ...manifest, mode: "offline" }, "3", findings);
    expect(findings.all).toMatchObject([{ code: "MODE", file: "3", expected: "test, as in 1", got: "offline" }]);
  });

  it("MODE: a manifest that is no test, under the arc for documentation, is no part of the chain", async () => {
    const stick = without(5);
    layAudit(
      stick,
      await bundleAt({ number: 5, previous: digestOf(fourth) }, { manifest: (one) => ({ ...one, mode: "offline" }) }),
    );
    expect(await found(stick)).toEqual([`MODE ${manifestAt(5)}`]);
    expect(await verified(stick)).toMatchObject({ manifests: 4 });
  });

  it("POLICY-CHAIN: two policies of one number, and an older one again", async () => {
    const under = (number: number, digest: string) => (one: Bundle["manifest"]) => ({
      ...one,
      policy: { ...one.policy, number, digest },
    });
    const stick = without(4, 5);
    const next = await bundleAt({ number: 4, previous: digestOf(third) }, { manifest: under(2, "22".repeat(32)) });
    layAudit(stick, next);
    layAudit(stick, await bundleAt({ number: 5, previous: digestOf(next) }, { manifest: under(1, first.genesis) }));
    expect(await found(stick)).toEqual([`POLICY-CHAIN ${manifestAt(5)}`]);
    layAudit(stick, await bundleAt({ number: 5, previous: digestOf(next) }, { manifest: under(2, "33".repeat(32)) }));
    expect(await found(stick)).toEqual([`POLICY-CHAIN ${manifestAt(5)}`]);
  });
});

describe("a bundle beside its chain", () => {
  const placed = async (bundle: Bundle, stick: Stick) => {
    const source = memorySource(bundle);
    const verdict = await verifyBundle(nodeHost, source, trust);
    const beside = [{ place: "bundle", source }];
    return placedIn(verdict, await verifyChain(nodeHost, memorySource({ files: stick }), trust, beside));
  };

  it("CHAIN: its place, whether it lies among the others or not", async () => {
    for (const stick of [auditOf(five), without(3)]) {
      const { findings, indication, ok, place } = await placed(third, stick);
      expect([ok, findings]).toEqual([true, []]);
      expect(place).toEqual({ number: 3, linked: { from: 1, to: 5 }, last: 5 });
      expect(indication.main).toBe("TOTAL-PASSED");
    }
    expect((await placed(third, without(2))).place).toEqual({ number: 3, linked: { from: 3, to: 5 }, last: 5 });
  });

  it("T25: a bundle that holds by itself does not beside another manifest of its number", async () => {
    const forked = await bundleAt({ number: 3, previous: digestOf(second) }, { manifest: other });
    const verdict = await placed(forked, auditOf(five));
    expect(verdict).toMatchObject({ ok: false, findings: [{ code: "CHAIN" }], indication: { main: "INDETERMINATE" } });
    expect(verdict.findings[0]?.message).toContain("two different manifests have number 3");
  });
});
