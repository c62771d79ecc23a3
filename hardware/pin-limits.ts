/** How long a PIN may be, by the word of a token (C_GetTokenInfo). */

import pkcs11js from "pkcs11js";
import { Refusal } from "../manifests/refusal.ts";
import { toRefusal } from "./faults.ts";
import { type ModulePlace, openModule } from "./module.ts";
import { oneAtATime } from "./one-at-a-time.ts";

export interface PinLimits {
  readonly shortest: number;
  readonly longest: number;
}

/** Limits of the token that `initializeToken` would take: the first that is not initialised. Refuses HSM-TOKEN when there is none, HSM-MODULE. */
export function emptyTokenPinLimits(place: ModulePlace): PinLimits {
  const module = openModule(place);
  try {
    return oneAtATime(module.place, () => {
      const { library } = module;
      const infos = library.C_GetSlotList(true).map((slot) => library.C_GetTokenInfo(slot));
      const empty = infos.find(({ flags }) => (flags & pkcs11js.CKF_TOKEN_INITIALIZED) === 0);
      if (empty) return { shortest: empty.minPinLen, longest: empty.maxPinLen };
      throw new Refusal("HSM-TOKEN", "no slot holds a token that is not initialised", { expected: "an empty token" });
    });
  } catch (fault) {
    throw toRefusal(fault, "asking for its limits");
  } finally {
    module.close();
  }
}
