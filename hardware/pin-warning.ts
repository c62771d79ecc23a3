/** What a token says of its PIN, for people who are about to type it. */

import type { PinState } from "./token.ts";

/** Undefined where there is nothing to say. */
export function pinWarning(state: PinState): string | undefined {
  switch (state) {
    case "ok":
      return undefined;
    case "few-tries":
      return "wrong PINs were typed before";
    case "last-try":
      return "LAST TRY before the token locks itself";
    case "locked":
      return "the token's PIN is locked";
    case "not-set":
      return "no PIN was ever set";
  }
}
