import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { emergencyRows } from "../../../host/terminal/emergency-words.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import {
  type ClosedManifest,
  type Closing,
  closingLimit,
  closingRoot,
  mostClosed,
} from "../../../manifests/records/closing.ts";
import { closingPath, declarationPath } from "../../../manifests/records/names.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import {
  allowing,
  closingFor,
  type EmergencyChanges,
  emergencyBundle,
  emergencyTimes,
  legalText,
  rules,
  signClosing,
} from "../../bundle/emergency.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { audit, issuer, oids, op1, op2, op3, sealing } from "../../bundle/people.ts";
import { issue } from "../../pki/authority.ts";

const verify = (bundle: Bundle, trust: Partial<Trust> = {}) =>
  verifyBundle(nodeHost, memorySource(bundle), { roots: bundle.roots, genesis: bundle.genesis, ...trust });

async function found(
  changes: EmergencyChanges,
  trust: Partial<Trust> = {},
  after: (bundle: Bundle) => void = () => undefined,
) {
  const bundle = await emergencyBundle(changes);
  after(bundle);
  const { findings, ok } = await verify(bundle, trust);
  expect(ok).toBe(findings.length === 0);
  return findings.map(({ file, code }) => `${file} ${code}`);
}

/** What is found of a closing record that is wrong in one thing. */
async function closingFound(change: (right: Closing) => Partial<Closing> | Promise<Partial<Closing>>, by = audit) {
  const bundle = await emergencyBundle();
  const right = await closingFor(bundle);
  const p7m = await signClosing({ ...right, ...(await change(right)) }, by);
  const { emergency, findings } = await verify(bundle, { closings: [p7m] });
  expect(emergency?.closing).toBeNull();
  return findings.map(({ file, code }) => `${file} ${code}`);
}

describe("a bundle of an emergency", () => {
  it("EMERGENCY: left open, the verdict says by whom it was declared, and that no closing was presented", async () => {
    const { emergency, findings, indication, mode } = await verify(await emergencyBundle());
    expect(findings).toEqual([]);
    expect([indication.main, mode]).toEqual(["TOTAL-PASSED", "emergency"]);
    expect(emergency).toMatchObject({
      cause: "provider",
      closing: null,
      officers: ["op1", "op2"],
      reason: "The KMS is gone.",
      since: emergencyTimes.declared,
      text: { language: "en", text: legalText },
    });
    const words = emergencyRows(emergency).map((row) => row.join(": "));
    expect(words).toContainEqual(expect.stringContaining("by op1, op2, for a provider's failure: The KMS is gone."));
    expect(words).toContainEqual(expect.stringContaining("no closing presented"));
  });

  it("EMERGENCY: closed, in the bundle or beside it, the verdict says how much was sealed in it", async () => {
    const bundle = await emergencyBundle();
    const p7m = await signClosing(await closingFor(bundle));
    const beside = await verify(bundle, { closings: [p7m] });
    expect([beside.findings, beside.emergency?.closing]).toMatchObject([[], { ended: emergencyTimes.ended, seals: 3 }]);
    bundle.files.set(closingPath, p7m);
    const inside = await verify(bundle);
    expect([inside.findings, inside.emergency?.closing]).toMatchObject([
      [],
      { file: closingPath, missing: [], seals: 3 },
    ]);
    expect(emergencyRows(inside.emergency).join()).toContain("3 seals in 1 manifest, numbers 1, this one among them");
  });

  it("EMERGENCY: numbers that the loss of a disk left unexplained are named as gaps", async () => {
    const bundle = await emergencyBundle();
    const missing = [{ from: 2, to: 4 }];
    const { emergency, findings } = await verify(bundle, {
      closings: [await signClosing(await closingFor(bundle, { missing }))],
    });
    expect([findings, emergency?.closing?.missing]).toEqual([[], missing]);
    expect(emergencyRows(emergency).join()).toContain(
      "GAPS: the box lost its disk since, and does not know what numbers 2 to 4 were",
    );
  });

  it("EMERGENCY: what declared it must be there, be the order that the manifest names, and hold under its policy", async () => {
    const order = `${declarationPath} `;
    expect(await found({}, {}, ({ files }) => files.delete(declarationPath))).toEqual([`${order}BUNDLE-FORM`]);
    expect(await found({ officers: [op1] })).toEqual([`${order}QUORUM`]);
    expect(await found({ officers: [op1, op1] })).toEqual([`${order}PERSON-TWICE`]);
    expect(await found({ order: { appliance: "box-2" } })).toEqual([`${order}ORDER`]);
    expect(await found({ order: { policyDigest: "00".repeat(32) } })).toEqual([`${order}POLICY-DIGEST`]);
    expect(await found({ order: { expires: "2026-11-20T10:29:00Z" } })).toEqual([`${order}ORDER`]);
    expect(await found({ part: (right) => ({ ...right, cause: "ours" }) })).toEqual([`${order}MANIFEST-BIND`]);
    const otherText = { digest: "00".repeat(32), language: "en" };
    expect(await found({ declares: { text: otherText }, part: (right) => ({ ...right, text: otherText }) })).toEqual([
      `${order}EMERGENCY`,
    ]);
    const another = await emergencyBundle({ declares: { reason: "Another one." } });
    const swapped = ({ files }: Bundle) => files.set(declarationPath, another.files.get(declarationPath) as Uint8Array);
    expect(await found({}, {}, swapped)).toEqual([`${order}MANIFEST-BIND`]);
    const otherKind = { kind: "suspend", what: { reason: "no" } } as const;
    expect(await found({ order: otherKind })).toEqual([`${order}MANIFEST-BIND`]);
  });

  it("EMERGENCY: limits of the policy, and a quorum of its own", async () => {
    const limited = (change: Partial<typeof rules>): EmergencyChanges => ({
      rules: (policy) => ({ ...allowing(policy), emergency: { ...rules, ...change } }),
    });
    expect(await found(limited({ seals: 2 }))).toEqual(["manifest.p7m EMERGENCY"]);
    expect(await found({ part: (right) => ({ ...right, earlierSeals: 98 }) })).toEqual(["manifest.p7m EMERGENCY"]);
    // Approvals count up to the challenge's expiry, which is a day after: past the emergency's end.
    expect(await found(limited({ hours: 12 }))).toEqual(["manifest.p7m EMERGENCY"]);
    expect(await found(limited({ operators: 2 }))).toContain("authorization.p7m QUORUM");
    expect(await found(limited({ officers: 3 }))).toEqual([`${declarationPath} QUORUM`]);
    expect(await found({ ...limited({ officers: 3 }), officers: [op1, op2, op3] })).toEqual([]);
  });

  it("MODE: the usual key seals nothing in an emergency, nor the emergency's key anything else", async () => {
    const seals = ["1", "2", "3"].map(() => expect.stringMatching(/^seals\/.* PATH-USAGE$/));
    const usual = await found({ by: sealing });
    expect(usual).toEqual(expect.arrayContaining([...seals, "manifest.p7m MANIFEST-BIND"]));
    const { emergencyKey } = await import("../../bundle/emergency.ts");
    const turned = await verify(await buildBundle({ policy: allowing, sealer: emergencyKey }));
    expect(turned.findings.map(({ code }) => code)).toEqual(expect.arrayContaining(["PATH-USAGE", "MANIFEST-BIND"]));
    const stolen = issue(issuer, { name: "Another", eku: [oids.emergency] });
    expect(await found({ by: stolen })).toEqual(expect.arrayContaining(["manifest.p7m MANIFEST-BIND"]));
  });

  it("MODE: mode, manifest, approvals and seals agree that it was one", async () => {
    expect(await found({ manifest: ({ emergency: _, ...right }) => right })).toContain("manifest.p7m MODE");
    expect(await found({ challenge: ({ emergency: _, ...right }) => right })).toContain(
      "authorization.p7m CHALLENGE-MATCH",
    );
    expect(await found({ challenge: (right) => ({ ...right, emergency: "00".repeat(32) }) })).toEqual([
      "manifest.p7m MANIFEST-BIND",
    ]);
    expect(await found({ sealMode: "test" })).toEqual(expect.arrayContaining([expect.stringMatching(/ MODE$/)]));
    expect(await found({ rules: (policy) => ({ ...allowing(policy), modes: ["test"] }) })).toContain(
      "manifest.p7m MODE",
    );
  });

  it("EMERGENCY: nothing of one lies in a bundle that is of none", async () => {
    const bundle = await buildBundle();
    for (const path of [declarationPath, closingPath]) bundle.files.set(path, Uint8Array.of(1));
    const { emergency, findings } = await verify(bundle);
    expect(emergency).toBeNull();
    expect(findings.map(({ file, code }) => `${file} ${code}`)).toEqual([
      `${declarationPath} BUNDLE-FORM`,
      `${closingPath} BUNDLE-FORM`,
    ]);
  });
});

describe("a closing record that is wrong in one thing", () => {
  const wrong = ["closing record CLOSING"];
  const others = async (manifests: readonly ClosedManifest[]) => ({
    manifests,
    root: hex(await closingRoot(nodeHost, manifests)),
    seals: manifests.reduce((sum, { seals }) => sum + seals, 0),
  });
  const first = (right: Closing) => right.manifests[0] as ClosedManifest;

  it.each<[string, (right: Closing) => Partial<Closing> | Promise<Partial<Closing>>]>([
    ["another appliance", () => ({ appliance: "box-2" })],
    ["another genesis", (right) => ({ policy: { ...right.policy, genesis: "00".repeat(32) } })],
    ["another order", (right) => ({ declared: { ...right.declared, order: "00".repeat(32) } })],
    ["another cause", () => ({ cause: "ours" })],
    ["another text", (right) => ({ text: { ...right.text, language: "de" } })],
    ["closed before this manifest", (right) => ({ journal: { ...right.journal, sequence: 7 } })],
    ["the number of another policy", (right) => ({ policy: { ...right.policy, number: 77 } })],
    ["another policy of a number that is here", (right) => ({ policy: { ...right.policy, digest: "ff".repeat(32) } })],
    ["a root over something else", () => ({ root: "00".repeat(32) })],
    ["another sum", () => ({ seals: 2 })],
    ["none of its manifests", () => others([])],
    ["another manifest of this number", (right) => others([{ ...first(right), digest: "00".repeat(32) }])],
    ["another outcome", (right) => others([{ ...first(right), outcome: "aborted", seals: 0 }])],
    ["fewer seals", (right) => others([{ ...first(right), seals: 2 }])],
    ["one twice", (right) => others([first(right), first(right)])],
    ["a manifest that it calls missing", () => ({ missing: [{ from: 1, to: 1 }] })],
    ["a range that ends before it begins", () => ({ missing: [{ from: 3, to: 2 }] })],
    ["ended before it was declared", (right) => ({ ended: { ...right.ended, number: 3 } })],
  ])("CLOSING: %s", async (_, change) => {
    expect(await closingFound(change)).toEqual(wrong);
  });

  it("CLOSING: more sealed before this manifest than it says itself, or less although nothing is missing", async () => {
    const bundle = await emergencyBundle({
      manifest: (right) => ({ ...right, number: 3, previous: "00".repeat(32) }),
      part: (right) => ({ ...right, earlierSeals: 5 }),
    });
    const right = first(await closingFor(bundle));
    const earlier = (seals: number) => others([{ ...right, number: 1, digest: "01".repeat(32), seals }, right]);
    const said = async (change: Partial<Closing>) => {
      const closings = [await signClosing(await closingFor(bundle, change))];
      return (await verify(bundle, { closings })).findings.filter(({ file }) => file === "closing record");
    };
    expect(await said(await earlier(5))).toEqual([]);
    expect(await said(await earlier(4))).toMatchObject([{ code: "CLOSING", expected: "5", got: "4" }]);
    expect(await said(await earlier(6))).toMatchObject([{ code: "CLOSING" }]);
    // After a lost disk each counted what the box knew then.
    for (const seals of [4, 6]) expect(await said({ ...(await earlier(seals)), recoveries: 1 })).toEqual([]);
  });

  it("CLOSING: by another key than the audit key that its policy names; by no audit key", async () => {
    const another = issue(issuer, { name: "Audit 2", eku: [oids.audit] });
    expect(await closingFound(() => ({}), another)).toEqual(wrong);
    expect(await closingFound(() => ({}), sealing)).toEqual(["closing record PATH-USAGE"]);
  });

  it("EMERGENCY: a manifest that the box does not know any more is no contradiction, and the verdict says so", async () => {
    const bundle = await emergencyBundle();
    const change = { ...(await others([])), missing: [{ from: 1, to: 2 }], recoveries: 1 };
    const { emergency, findings } = await verify(bundle, {
      closings: [await signClosing(await closingFor(bundle, change))],
    });
    expect([findings, emergency?.closing?.lists]).toEqual([[], false]);
    expect(emergencyRows(emergency).join()).toContain(
      "not this one, which the box does not know since it lost its disk",
    );
  });

  it("CLOSING: by a certificate that a policy revokes; beside a right one; of a batch that was of no emergency", async () => {
    const revoked = await emergencyBundle({
      rules: (policy) => ({ ...allowing(policy), revoked: [hex(sha256(audit.certificate))] }),
    });
    const codes = async (bundle: Bundle, closings: readonly Uint8Array[]) =>
      (await verify(bundle, { closings })).findings.flatMap(({ code, file }) =>
        file === "closing record" ? [code] : [],
      );
    expect(await codes(revoked, [await signClosing(await closingFor(revoked))])).toEqual(["PATH-REVOKED"]);
    const bundle = await emergencyBundle();
    const right = await signClosing(await closingFor(bundle));
    expect(await codes(bundle, [right, Uint8Array.of(48)])).toEqual(["DER"]);
    expect(await codes(await buildBundle(), [right])).toEqual(["CLOSING"]);
  });

  it("PATH-USAGE: a certificate for emergencies and other seals at once seals nothing", async () => {
    const both = issue(issuer, { name: "Both", eku: [oids.emergency, oids.sealing] });
    const rulesOf = (policy: Policy) => ({ ...allowing(policy), keys: { ...policy.keys, emergency: both.spki } });
    expect(await found({ by: both, rules: rulesOf })).toContainEqual(expect.stringMatching(/^seals\/.* PATH-USAGE$/));
  });

  it("CLOSING: under a later policy than is here it counts by its certificate, and the verdict says so", async () => {
    const bundle = await emergencyBundle();
    const policy = { digest: "00".repeat(32), genesis: bundle.genesis, number: 2 };
    const { emergency, findings } = await verify(bundle, {
      closings: [await signClosing(await closingFor(bundle, { policy }))],
    });
    expect([findings, emergency?.closing?.policyShown]).toEqual([[], false]);
    expect(emergencyRows(emergency).join()).toContain("signed under a later policy than those that are here");
  });

  it("CLOSING: as many manifests as a box makes in one are read and held within the limit", async () => {
    const bundle = await emergencyBundle();
    const mine = first(await closingFor(bundle));
    const manifests = [
      mine,
      ...Array.from({ length: mostClosed - 1 }, (_, at) => ({
        ...mine,
        digest: hex(sha256(Uint8Array.of(at >> 8, at & 255))),
        number: 1_000_000_000 + at,
        seals: 1_000_000,
      })),
    ];
    const p7m = await signClosing(await closingFor(bundle, await others(manifests)));
    expect(p7m.length).toBeLessThan(closingLimit);
    const { emergency, findings } = await verify(bundle, { closings: [p7m] });
    expect([findings, emergency?.closing?.manifests]).toEqual([[], mostClosed]);
  });
});
