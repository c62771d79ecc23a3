/**
 * The failure table of the signer: every commit of its store and every call of its token. Killed after an effect is killed
 * before the next one: here each effect is killed before, `npm run test:crashes` does both, and more lives.
 */

import { describe, expect, it, vi } from "vitest";
import { failureTable } from "./failure-table.ts";
import { SignerJourney, type Wanted } from "./signer-journey.ts";

// Many lives, on a machine that may be busy.
vi.setConfig({ testTimeout: 600_000 });

const table = (wanted: Wanted, how: Parameters<typeof failureTable>[1]) =>
  failureTable(() => SignerJourney.make([wanted]), how);

describe("the failure table of the signer", () => {
  it("INTENT-FIRST: killed before every effect of a batch that is sealed: the same attributes, one manifest, nothing lost", async () => {
    const hit = await table({ end: "sealed", count: 65 }, "killed before");
    // Two chunks, the box's own time-stamp, the manifest, and the head before and after them.
    expect(hit.filter((name) => name.startsWith("sign "))).toHaveLength(4);
    expect(hit).toContain("sign time");
    expect(hit.filter((name) => name === "write head")).toHaveLength(2);
    expect(hit.length).toBeGreaterThan(35);
  });

  it("NOTHING-LOST: every effect of it fails and is not done, and the process lives on", async () => {
    expect((await table({ end: "sealed", count: 2 }, "fails before")).length).toBeGreaterThan(35);
  });

  it("SEAL-ONCE: every effect of it fails and is done all the same, and the process does not know", async () => {
    expect((await table({ end: "sealed", count: 2 }, "fails after")).length).toBeGreaterThan(35);
  });

  it("CHAIN: killed before every effect of a batch that is aborted in the middle", async () => {
    expect((await table({ end: "aborted", count: 65 }, "killed before")).length).toBeGreaterThan(30);
  });

  it.each(["rejected", "aborted early"] as const)(
    "NOTHING-LOST: killed before every effect of a batch that is %s",
    async (end) => {
      expect((await table({ end, count: 1 }, "killed before")).length).toBeGreaterThan(10);
    },
  );
});
