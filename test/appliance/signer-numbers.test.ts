/** CHAIN: a manifest number that is reserved can always be finished: nothing that is valid by itself strands it. */

import { afterEach, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { following, listOf, makeBatch, signPolicy } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

let box: TestBox;
afterEach(() => box.remove());

const rsaAudit = { audit: { suite: "rsa-pkcs1-sha256", rsaBits: 2048 } } as const;

it("PATH-KEY: a policy that finds the audit key too weak is refused, and the box goes on under the one in force", async () => {
  box = await TestBox.make({}, rsaAudit);
  await box.unlock();
  const stricter = following(box.policy, { limits: { ...box.policy.limits, minimumRsaBits: 3072 } });
  expect(await codeOf(importPolicy(box.box, await signPolicy(stricter, ["op1", "op2"])))).toBe("PATH-KEY");
  const batch = await makeBatch(listOf(2, "a"));
  await box.authorised(batch);
  expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
});

it("NOTHING-LOST: a receipt is the same whatever the policy in force says of keys", async () => {
  box = await TestBox.make({}, rsaAudit);
  await box.unlock();
  const batch = await makeBatch(listOf(2, "a"));
  await box.authorised(batch);
  await box.seal(batch);
  const before = await filesOf(box, 1);
  const { inForce } = box.box.policies;
  const limits = { ...inForce.policy.limits, minimumRsaBits: 4096 };
  box.box.policies.adopt({ ...inForce, policy: { ...inForce.policy, limits } });
  expect(await filesOf(box, 1)).toEqual(before);
  expect(manifestIn(before).number).toBe(1);
});
