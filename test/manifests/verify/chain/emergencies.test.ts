import { describe, expect, it } from "vitest";
import { chainTold, chainWords } from "../../../../desk/chain-words.ts";
import { nodeHost } from "../../../../host/crypto-host.ts";
import { hex } from "../../../../manifests/encoding/bytes.ts";
import { type ClosedManifest, closingRoot } from "../../../../manifests/records/closing.ts";
import { closingPath } from "../../../../manifests/records/names.ts";
import { verifyChain } from "../../../../manifests/verify/chain/chain.ts";
import type { Trust } from "../../../../manifests/verify/trust.ts";
import type { Bundle } from "../../../bundle/build.ts";
import { auditOf, chainOf, digestOf, layBundle, type Stick } from "../../../bundle/chain.ts";
import { allowing, closingFor, emergencyChanges, signClosing } from "../../../bundle/emergency.ts";
import { memorySource } from "../../../bundle/memory-source.ts";

/** Numbers 2, 3 and 5 are of one emergency, with one seal each. */
const earlier: Readonly<Record<number, number>> = { 2: 0, 3: 1, 5: 2 };
const parts = new Map(
  await Promise.all(
    Object.entries(earlier).map(async ([number, earlierSeals]) => {
      const { bundle } = await emergencyChanges({ part: (right) => ({ ...right, earlierSeals }) });
      return [Number(number), bundle] as const;
    }),
  ),
);
const all = await chainOf(5, (number) => parts.get(number) ?? { policy: allowing });
const [first, second, third, , fifth] = all as readonly [Bundle, Bundle, Bundle, Bundle, Bundle];

const listed = (...bundles: readonly Bundle[]): readonly ClosedManifest[] =>
  bundles.map((bundle) => {
    const { documents, number, outcome } = bundle.manifest;
    return { digest: digestOf(bundle), number, outcome, root: documents.root, seals: documents.sealed };
  });
const closingOver = async (manifests: readonly ClosedManifest[]) =>
  signClosing(
    await closingFor(second, {
      manifests,
      root: hex(await closingRoot(nodeHost, manifests)),
      seals: manifests.reduce((sum, { seals }) => sum + seals, 0),
    }),
  );

const verified = (stick: Stick, more: Partial<Trust> = {}) =>
  verifyChain(nodeHost, memorySource({ files: stick }), { roots: first.roots, genesis: first.genesis, ...more });
const without = (...numbers: readonly number[]) =>
  auditOf(all.filter(({ manifest }) => !numbers.includes(manifest.number)));
const words = (verdict: Awaited<ReturnType<typeof verified>>) =>
  chainWords(verdict)
    .rows.filter(([label]) => label === "EMERGENCY")
    .map(([, text]) => text);

describe("emergencies in a chain", () => {
  it("EMERGENCY: left open, what of it is here is said, and that no closing was presented", async () => {
    const verdict = await verified(auditOf(all));
    expect(verdict.findings).toEqual([]);
    expect(verdict.emergencies).toMatchObject([
      {
        cause: "provider",
        closing: null,
        manifests: 3,
        numbers: [
          { from: 2, to: 3 },
          { from: 5, to: 5 },
        ],
        seals: 3,
        sealsNotPresented: 0,
      },
    ]);
    expect(words(verdict)).toEqual([
      expect.stringContaining("3 seals in 3 manifests, numbers 2 to 3, 5; no closing presented"),
    ]);
  });

  it("EMERGENCY: closed, the record is found where ceremonies leave it, in a bundle, or as it was given", async () => {
    const p7m = await closingOver(listed(second, third, fifth));
    const left = auditOf(all).set("coldseal/closings/0005.p7m", p7m);
    const inBundle = auditOf(all);
    layBundle(inBundle, "coldseal/outbox/batch-3", third);
    inBundle.set(`coldseal/outbox/batch-3/${closingPath}`, p7m);
    for (const [stick, more] of [
      [left, {}],
      [inBundle, {}],
      [auditOf(all), { closings: [p7m] }],
    ] as const) {
      const verdict = await verified(stick, more);
      expect(verdict.findings).toEqual([]);
      expect(verdict.emergencies[0]?.closing).toMatchObject({ manifests: 3, missing: [], notPresented: [], seals: 3 });
    }
  });

  it("EMERGENCY: what its closing record lists and is not here is named as a gap", async () => {
    const verdict = await verified(without(3, 5), { closings: [await closingOver(listed(second, third, fifth))] });
    expect(verdict.findings).toEqual([]);
    expect(words(verdict)).toEqual([expect.stringContaining("GAPS: it lists 3, 5, not presented")]);
  });

  it("EMERGENCY: without a closing record its manifests themselves count what is not here", async () => {
    const verdict = await verified(without(3));
    expect(verdict.emergencies[0]).toMatchObject({ seals: 2, sealsNotPresented: 1 });
    expect(words(verdict)).toEqual([expect.stringContaining("GAPS: its manifests count 1 seal more, not presented")]);
  });

  it("CLOSING: a manifest that the record leaves out, or lists as another, is found", async () => {
    const file = "coldseal/audit/3/manifest.p7m";
    const other = listed(third).map((one) => ({ ...one, digest: "00".repeat(32) }));
    for (const middle of [[], other]) {
      const closings = [await closingOver([...listed(second), ...middle, ...listed(fifth)])];
      const { findings } = await verified(auditOf(all), { closings });
      expect(findings).toMatchObject([{ code: "CLOSING", file }]);
    }
  });

  it("EMERGENCY: a manifest that counts fewer seals before itself than are here is found", async () => {
    const { bundle } = await emergencyChanges({ part: (right) => ({ ...right, earlierSeals: 0 }) });
    const wrong = await chainOf(3, (number) => (number === 1 ? { policy: allowing } : bundle));
    const { findings } = await verified(auditOf(wrong));
    expect(findings).toMatchObject([{ code: "EMERGENCY", file: "coldseal/audit/3/manifest.p7m", got: "0" }]);
  });

  it("CLOSING: records of one emergency that differ, list what is here otherwise, or were made before what they close", async () => {
    const all3 = listed(second, third, fifth);
    const codes = async (...closings: readonly Uint8Array[]) =>
      (await verified(auditOf(all), { closings })).findings.map(({ code, message }) => `${code} ${message}`);
    const full = await closingOver(all3);
    const differ = [expect.stringContaining("CLOSING two closing records of one emergency say different things")];
    expect(await codes(full, await closingOver(all3.slice(0, 2)))).toEqual(differ);
    expect(await codes(full, full)).toEqual([]);
    const fourth = { ...(all3[1] as ClosedManifest), number: 4 };
    expect(await codes(await closingOver([...all3.slice(0, 2), fourth, ...all3.slice(2)]))).toEqual([
      expect.stringContaining("lists number 4, which is here and was not sealed in this emergency"),
    ]);
    const early = {
      ...(await closingFor(second, { manifests: all3 })),
      journal: { head: "0c".repeat(32), sequence: 45 },
    };
    expect(await codes(await signClosing(early))).toEqual([
      expect.stringContaining("number 5 was made after its emergency was closed"),
    ]);
  });

  it("EMERGENCY: a number that the record lists beyond the last that is here is missing", async () => {
    const ninth = { ...(listed(fifth)[0] as ClosedManifest), number: 9 };
    const verdict = await verified(auditOf(all), {
      closings: [await closingOver([...listed(second, third, fifth), ninth])],
    });
    expect([verdict.findings, verdict.gaps]).toEqual([[], []]);
    expect(verdict.indication).toMatchObject({ main: "INDETERMINATE", sub: "SIGNED_DATA_NOT_FOUND" });
    expect(chainTold(verdict).status).toBe(1);
    expect(chainWords(verdict).headline).toContain("NOT WHOLE");
  });

  it("EMERGENCY: in a chain without gaps no more seals are counted than there are", async () => {
    const { bundle } = await emergencyChanges({ part: (right) => ({ ...right, earlierSeals: 50 }) });
    const wrong = await chainOf(2, (number) => (number === 1 ? { policy: allowing } : bundle));
    const { findings } = await verified(auditOf(wrong));
    expect(findings).toMatchObject([{ code: "EMERGENCY", expected: "0", got: "50" }]);
  });
});
