/** A policy that follows the one in force: verified, stored, journalled, then in force; open challenges are void from then on. */

import { hex } from "../../manifests/encoding/bytes.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { checkPolicyKeys } from "./keys.ts";

/**
 * The number of the policy that is in force on return, durably; while unlocked the token's head covers it, else the next
 * unlock moves it there. Refuses with POLICY-*, HSM-KEY, or BUSY while a batch is being sealed.
 */
export async function importPolicy(box: Box, p7m: Uint8Array): Promise<number> {
  const next = await box.policies.verifyNext(p7m, now(box));
  checkPolicyKeys(next.policy, box.keys);
  if (next.policy.profile.suite !== box.keys.sealing.suite.name) {
    throw new Refusal("POLICY-PROFILE", "a change of the profile needs a ceremony and a restart", {
      expected: box.keys.sealing.suite.name,
      got: next.policy.profile.suite,
    });
  }
  box.db.transaction(() => {
    const unfinished = box.batches.unfinished();
    if (unfinished) throw new Refusal("BUSY", `manifest ${unfinished.number} is not finished`);
    box.policies.store(next, p7m);
    box.record("policy", { digest: hex(next.digest), number: next.number });
  })();
  box.policies.adopt(next);
  await coverByHead(box);
  return next.number;
}

/** T17: an old disk with the old policy is found against the head. A token that fails locks the box, and takes nothing back. */
async function coverByHead({ head, lockbox }: Box): Promise<void> {
  if (!lockbox.unlocked) return;
  try {
    await lockbox.guard(() => head.settle());
  } catch (fault) {
    const { code } = asRefusal(fault, "INTERNAL", "the head did not move");
    if (code !== "LOCKED" && !code.startsWith("HSM-")) throw fault;
  }
}
