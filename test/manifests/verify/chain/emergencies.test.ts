import { describe, expect, it } from "vitest";
import { chainWords } from "../../../../desk/chain-words.ts";
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
});
