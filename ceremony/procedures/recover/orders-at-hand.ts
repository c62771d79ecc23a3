/** The orders of a lost box that were gathered, as they say themselves: what they are worth the signer judges when it makes the store. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { type Order, readOrder } from "../../../manifests/records/order.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { RecoverParameters } from "./parameters.ts";

export interface OrderAtHand {
  readonly order: Order;
  /** SHA-256 of the content, hex */
  readonly digest: string;
}

/** From number 1 up to the first that is missing. Refuses with ORDER one whose name and number differ, and DER, CMS-*, JSON, SHAPE. */
export function ordersAtHand({ evidence }: Pick<RecoverParameters, "evidence">): readonly OrderAtHand[] {
  const all: OrderAtHand[] = [];
  for (let number = 1; ; number++) {
    const path = join(evidence, "orders", `${String(number).padStart(4, "0")}.p7m`);
    if (!existsSync(path)) return all;
    const content = readSignedData(readFileSync(path)).content ?? new Uint8Array(0);
    const order = readOrder(content);
    if (order.number !== number)
      throw new Refusal("ORDER", "an order has another number than its name", { about: path });
    all.push({ order, digest: hex(sha256(content)) });
  }
}
