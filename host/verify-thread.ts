/** What a thread of `verify-crew.ts` does: opens the bundles that it is told of, and checks slices of them. */

import { parentPort } from "node:worker_threads";
import { inPlace, type SealCrew, type SliceResult } from "../manifests/verify/seal-slices.ts";
import { nodeHost } from "./crypto-host.ts";
import { type OpenBundle, openBundle } from "./packed-bundle.ts";
import type { CrewAnswer, VerifyOrder } from "./verify-crew.ts";

const bundles = new Map<number, { readonly source: OpenBundle; readonly crew: SealCrew }>();

/** Answers what is about bundles; all else is for `other`, which gives what becomes of it. */
export function serveCrew(other?: (job: unknown) => Promise<unknown>): void {
  parentPort?.on("message", (order: VerifyOrder) => void take(order, other));
}

async function take(order: VerifyOrder, other: ((job: unknown) => Promise<unknown>) | undefined): Promise<void> {
  if ("open" in order) {
    const source = openBundle(order.place);
    bundles.set(order.open, { source, crew: inPlace(nodeHost, source)(order.context, 0) });
    return;
  }
  parentPort?.postMessage({ id: order.id, ...(await answered(order, other)) } satisfies CrewAnswer);
}

async function answered(
  order: Exclude<VerifyOrder, { open: number }>,
  other: ((job: unknown) => Promise<unknown>) | undefined,
): Promise<Omit<CrewAnswer, "id">> {
  if ("job" in order) return { other: await other?.(order.job) };
  return { result: "close" in order ? close(order.close) : await bundles.get(order.bundle)?.crew.check(order.slice) };
}

function close(bundle: number): SliceResult | undefined {
  bundles.get(bundle)?.source.close();
  bundles.delete(bundle);
  return undefined;
}
