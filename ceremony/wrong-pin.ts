/** Names whose PIN was expected where one was wrong. */

import { Refusal } from "../manifests/refusal.ts";

/** PIN-WRONG with what was expected; any other fault as it is. */
export function notThePin(owner: string, fault: unknown): unknown {
  if (!(fault instanceof Refusal) || fault.code !== "PIN-WRONG") return fault;
  return new Refusal("PIN-WRONG", `that is not the PIN of ${owner}`, {
    expected: `the PIN of ${owner}`,
    got: "another one",
    cause: fault,
  });
}
