/** The orders of a lost box that were gathered, each verified under the policy that it was signed under: nothing of them is used before. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { type Order, readSignedOrder, verifyOrder } from "../../../manifests/records/order.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { BoxAtHand } from "../box-at-hand.ts";
import { policiesAtHand } from "../policies-at-hand.ts";
import type { RecoverParameters } from "./parameters.ts";

export interface OrderAtHand {
  readonly order: Order;
  /** SHA-256 of the content, hex */
  readonly digest: string;
}

/** From number 1 up to the first that is missing. Refuses with ORDER one out of its place or under a policy that is not at hand, and as `verifyOrder`. */
export async function ordersAtHand(
  { evidence }: Pick<RecoverParameters, "evidence">,
  box: Pick<BoxAtHand, "arc" | "genesis" | "layout">,
): Promise<readonly OrderAtHand[]> {
  const policies = await policiesAtHand(box);
  const oids = ownOids(box.arc);
  const all: OrderAtHand[] = [];
  for (let number = 1; ; number++) {
    const path = join(evidence, "orders", `${String(number).padStart(4, "0")}.p7m`);
    if (!existsSync(path)) return all;
    const p7m = readFileSync(path);
    const read = await readSignedOrder(nodeHost, oids, p7m);
    const policy = policies.find(({ digest }) => hex(digest) === read.order.policyDigest);
    const isNext = read.order.number === number && read.order.previous === (all.at(-1)?.digest ?? null);
    if (!policy || !isNext) {
      throw new Refusal("ORDER", "not the next order of this box, or under a policy that is not at hand", {
        about: path,
      });
    }
    const { order, digest } = await verifyOrder(nodeHost, oids, policy, p7m, read.order.created);
    all.push({ order, digest: hex(digest) });
  }
}
