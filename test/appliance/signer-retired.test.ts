import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { statusLines } from "../../ceremony/screens/status-screen.ts";
import { plain } from "../../host/terminal/style.ts";
import { following, signPolicy } from "./signer/people.ts";
import { TestBox } from "./signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
});
afterEach(() => box.remove());

const retired = () => (statusOf(box.box, box.work) as { readonly retired: readonly string[] }).retired;

it("SHARES: whoever left the policy is named as unfinished until the PIN was split anew", async () => {
  const { people } = box.policy;
  const without = following(box.policy, { people: people.filter(({ id }) => id !== "op3") });
  await importPolicy(box.box, await signPolicy(without, ["op1", "op2"]));
  // Where no PIN was split, nobody holds a share.
  expect(retired()).toEqual([]);
  writeFileSync(join(box.config.state, "wrapped-unlock.json"), "{}");
  expect(retired()).toEqual(["op3"]);
  const screen = { signer: statusOf(box.box, box.work), daemon: undefined, now: new Date().toISOString() };
  expect(statusLines(screen, plain).join(" ")).toMatch(/op3 left since the PIN was split: retiring is unfinished/);
  box.box.record("pin-changed", {});
  expect(retired()).toEqual([]);
  await box.restart();
  expect(retired()).toEqual([]);
});
