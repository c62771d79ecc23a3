/** How long a PIN may be, by the word of a token (C_GetTokenInfo). */

import { toRefusal } from "./faults.ts";
import { checkLabel } from "./initialize.ts";
import { type ModulePlace, openModule } from "./module.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { findEmptySlot, listTokens, type PinLimits } from "./slot.ts";

/** Limits of the token that `initializeToken` would take: the first that is not initialised. Refuses HSM-TOKEN when there is none, or a label that it could not have, HSM-MODULE. */
export function emptyTokenPinLimits(place: ModulePlace, label?: string): PinLimits {
  const module = openModule(place);
  try {
    return oneAtATime(module.place, () => {
      if (label !== undefined) checkLabel(label, listTokens(module.library));
      return findEmptySlot(module.library).limits;
    });
  } catch (fault) {
    throw toRefusal(fault, "asking for its limits");
  } finally {
    module.close();
  }
}
