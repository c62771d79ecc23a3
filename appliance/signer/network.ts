/** GAP: the box has no network, as far as the policy asks. */

import { otherLinks, type ReadLinks } from "../../host/network-links.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { Refusal } from "../../manifests/refusal.ts";

export type NetworkLabel = "absent" | "present-recorded";

/** What the manifest says of the network. Refuses with GAP when a link is there and the policy calls that fatal. */
export function checkNetwork(policy: Policy["network"], read: ReadLinks): NetworkLabel {
  const links = otherLinks(read);
  if (links.length === 0) return "absent";
  if (policy === "fatal") {
    throw new Refusal("GAP", "the box has network links", { expected: "loopback only", got: links.join(", ") });
  }
  return "present-recorded";
}
