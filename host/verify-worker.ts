/** A thread of `verify-crew.ts`: opens the bundles that it is told of, and checks slices of them. */

import { parentPort } from "node:worker_threads";
import { inPlace, type SealCrew, type SliceResult } from "../manifests/verify/seal-slices.ts";
import { nodeHost } from "./crypto-host.ts";
import { type OpenBundle, openBundle } from "./packed-bundle.ts";
import type { VerifyAnswer, VerifyOrder } from "./verify-crew.ts";

const bundles = new Map<number, { readonly source: OpenBundle; readonly crew: SealCrew }>();

parentPort?.on("message", (order: VerifyOrder) => void take(order));

async function take(order: VerifyOrder): Promise<void> {
  if ("open" in order) {
    const source = openBundle(order.place);
    bundles.set(order.open, { source, crew: inPlace(nodeHost, source)(order.context, 0) });
    return;
  }
  const result = "close" in order ? close(order.close) : await bundles.get(order.bundle)?.crew.check(order.slice);
  parentPort?.postMessage({ id: order.id, result } satisfies VerifyAnswer);
}

function close(bundle: number): SliceResult | undefined {
  bundles.get(bundle)?.source.close();
  bundles.delete(bundle);
  return undefined;
}
