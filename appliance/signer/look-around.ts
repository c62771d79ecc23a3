/** What passes by itself: a token that went away locks the box, as do the policy's limits, the time is noted, counts of refusals are journalled. */

import { asRefusal } from "../../manifests/refusal.ts";
import type { Box } from "./box.ts";
import { takeFault } from "./guarded.ts";
import { lockWhenOver } from "./may-seal.ts";
import { noteTime } from "./open-box.ts";
import type { SealingWork } from "./seal-batch.ts";

/** Once in a while. A fault of the store is taken as everywhere, and passes on. */
export async function lookAround(box: Box, work: Pick<SealingWork, "now">): Promise<void> {
  try {
    if (box.lockbox.unlocked && !box.hsm.present()) await box.lockbox.lock("HSM-GONE");
    if (box.fault) return;
    // A begun batch finishes.
    if (!work.now) await lockWhenOver(box).catch(passLocked);
    noteTime(box);
    box.refusals.flush();
  } catch (thrown) {
    throw takeFault(box, thrown);
  }
}

function passLocked(fault: unknown): void {
  if (asRefusal(fault, "INTERNAL", "a fault").code !== "LOCKED") throw fault;
}
