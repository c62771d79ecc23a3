/** T19 at every step of an export; `npm run test:crashes` lets more go wrong there. */

import { renameSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { atEachStep } from "./stick-steps.ts";

// Many lives, on a machine that may be busy.
vi.setConfig({ testTimeout: 600_000 });

describe("a stick at every step of an export", () => {
  it("T19: it is pulled out: whole or absent, MEDIA-WRITE or CHECKED-OUT, and the same bytes on another", async () => {
    const codes = await atEachStep("meanwhile", ({ root, away }) => renameSync(root, away));
    expect(codes.length).toBeGreaterThan(40);
    expect(codes[0]).toMatch(/^MEDIA-WRITE/);
  });

  it("T20: the step and all that follow fail, as on a full or read-only stick", async () => {
    expect((await atEachStep("all fail")).length).toBeGreaterThan(40);
  });

  it("CHECKED-OUT: where a refusal gives way, each step that fails leaves it or the whole answer", async () => {
    expect((await atEachStep("fails after", undefined, true)).length).toBeGreaterThan(40);
  });
});
