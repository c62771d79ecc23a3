/** A policy that follows the one in force: verified, stored, journalled, then in force; open challenges are void from then on. */

import { hex } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { checkPolicyKeys } from "./keys.ts";

/** The number of the policy that is in force on return. Refuses with POLICY-*, HSM-KEY, or BUSY while a batch is being sealed. */
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
  return next.number;
}
