import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeAnchor, unanchored } from "../../appliance/signer/anchors.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { bundleTree } from "../../desk/anchor/bundle-tree.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { rawToken } from "../manifests/time/raw-token.ts";
import { issue, makeRoot } from "../pki/authority.ts";
import { makeTsa, timeStampingOnly, tsaRoot } from "../pki/tsa.ts";
import { fromNow, listOf, makeBatch } from "./signer/people.ts";
import { codeOf, filesOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
const rule = { hours: 24, roots: [tsaRoot.certificate], seals: 5 };
const authority = makeTsa();

beforeEach(async () => {
  box = await TestBox.make({ unanchored: rule });
  await box.unlock();
});
afterEach(() => box.remove());

async function seal(name: string, count: number) {
  const batch = await makeBatch(listOf(count, name), { batch: name });
  await box.authorised(batch);
  return box.seal(batch);
}

/** What `coldseal anchor` makes of a bundle of the box. */
async function evidenceOver(number: number, by = authority): Promise<Uint8Array> {
  const { tree } = await bundleTree(nodeHost, memorySource({ files: new Map(await filesOf(box, number)) }));
  const token = await rawToken(tree.root, { hash: tree.hash, time: fromNow(0), by });
  return writeEvidenceRecord([[{ hash: tree.hash, tree: tree.reduced(0), token }]]);
}

describe("seals that wait for evidence of time", () => {
  it("UNANCHORED: so many may wait and no more, until evidence over a later manifest came in", async () => {
    await seal("one", 2);
    await seal("two", 3);
    expect(await codeOf(seal("three", 1))).toBe("UNANCHORED");
    expect(statusOf(box.box, box.work)).toMatchObject({ unanchored: { anchored: 0, hours: 24, limit: 5, seals: 5 } });
    // Over the second: by its link over the first, too.
    expect(await takeAnchor(box.box, 2, await evidenceOver(2))).toBe(2);
    expect(unanchored(box.box.db)).toEqual({ anchored: 2, seals: 0, since: null });
    expect(await seal("four", 1)).toEqual({ number: 3, outcome: "sealed" });
    await box.restart();
    await verifyRecord(box.box);
    expect(unanchored(box.box.db)).toMatchObject({ anchored: 2, seals: 1 });
  });

  it("UNANCHORED: none waits longer than the policy says, from the first on", async () => {
    box.remove();
    box = await TestBox.make({ unanchored: { ...rule, hours: 2 } });
    await box.unlock();
    await seal("one", 1);
    box.clocks.offset = 3_600_000;
    await seal("in-time", 1);
    box.clocks.offset = 2.5 * 3_600_000;
    expect(await codeOf(seal("late", 1))).toBe("UNANCHORED");
    await takeAnchor(box.box, 1, await evidenceOver(1));
    // Now the second is the first that waits.
    expect(await seal("later", 1)).toMatchObject({ outcome: "sealed" });
  });

  it("TIME-IMPRINT: evidence over another manifest, by an authority that the policy does not name, or of no number, is not taken", async () => {
    await seal("one", 1);
    await seal("two", 1);
    const over = await evidenceOver(1);
    expect(await codeOf(takeAnchor(box.box, 2, over))).toBe("TIME-IMPRINT");
    expect(await codeOf(takeAnchor(box.box, 3, over))).toBe("BATCH-UNKNOWN");
    expect(await codeOf(takeAnchor(box.box, 1, over.subarray(1)))).toBe("TIME-FORM");
    const other = issue(makeRoot({ name: "another" }), { name: "tsa", extensions: [timeStampingOnly] });
    expect(await codeOf(takeAnchor(box.box, 1, await evidenceOver(1, other)))).toBe("PATH-ROOT");
    expect(unanchored(box.box.db)).toMatchObject({ anchored: 0, seals: 2 });
    expect(await takeAnchor(box.box, 1, over)).toBe(1);
    expect(await takeAnchor(box.box, 1, over)).toBe(1);
  });

  it("CHAIN: a row of it that was changed stops the box; without the policy's rule there is no limit and no evidence is taken", async () => {
    await seal("one", 1);
    await takeAnchor(box.box, 1, await evidenceOver(1));
    box.box.db.exec("DROP TRIGGER anchors_unchanged");
    box.box.db.exec("UPDATE anchors SET time = '2020-01-01T00:00:00Z'");
    expect(await codeOf(verifyRecord(box.box))).toBe("CHAIN");
    const free = await TestBox.make();
    try {
      expect(await codeOf(takeAnchor(free.box, 1, new Uint8Array(10)))).toBe("UNANCHORED");
    } finally {
      free.remove();
    }
  });
});
