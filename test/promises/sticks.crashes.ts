/** The rest of what can go wrong with a stick at every step of an export. */

import { mkdirSync, renameSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { atEachStep } from "./stick-steps.ts";

describe("a stick at every step of an export", () => {
  it.each(["fails before", "fails after"] as const)("T20: the step %s", async (how) => {
    expect((await atEachStep(how)).length).toBeGreaterThan(40);
  });

  it("T19: it is exchanged for another, which stays as it is", async () => {
    await atEachStep("meanwhile", ({ root, away }) => {
      renameSync(root, away);
      mkdirSync(root);
    });
  });

  it("CHECKED-OUT: where a refusal gives way and the step is not done", async () => {
    await atEachStep("fails before", undefined, true);
  });
});
