/** The order that one officer may give alone: nothing is sealed until a quorum resumes the box. */

import type { BoxStanding } from "../appliance/client/unlock-client.ts";
import { type Utc, utcOf } from "../manifests/encoding/shape.ts";
import { orderBytes } from "../manifests/records/order.ts";

const hour = 3_600_000;

/** Canonical bytes of the order, the next of this box. */
export function suspendOrder(
  { orders, policy }: Pick<BoxStanding, "orders" | "policy">,
  appliance: string,
  reason: string,
  now: Utc,
): Uint8Array {
  return orderBytes({
    appliance,
    created: now,
    expires: utcOf(Date.parse(now) + hour),
    kind: "suspend",
    number: orders.number + 1,
    policyDigest: policy.digest,
    previous: orders.digest,
    what: { reason },
  });
}
