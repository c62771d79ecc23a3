/** What passes by itself: a token that went away locks the box, the time is noted, counts of refusals are journalled. */

import type { Box } from "./box.ts";
import { takeFault } from "./guarded.ts";
import { noteTime } from "./open-box.ts";

/** Once in a while. A fault of the store is taken as everywhere, and passes on. */
export async function lookAround(box: Box): Promise<void> {
  try {
    if (box.lockbox.unlocked && !box.hsm.present()) await box.lockbox.lock("HSM-GONE");
    if (box.fault) return;
    noteTime(box);
    box.refusals.flush();
  } catch (thrown) {
    throw takeFault(box, thrown);
  }
}
