/** A thread of `verify-crew.ts`: opens the bundles that it is told of, and checks slices of them; packs folders. */

import { parentPort } from "node:worker_threads";
import { asRefusal } from "../manifests/refusal.ts";
import { inPlace, type SealCrew, type SliceResult } from "../manifests/verify/seal-slices.ts";
import { nodeHost } from "./crypto-host.ts";
import { type PackOrder, packFolder } from "./pack-folder.ts";
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
  if ("pack" in order) return answer({ id: order.id, packed: await packed(order.pack) });
  const result = "close" in order ? close(order.close) : await bundles.get(order.bundle)?.crew.check(order.slice);
  answer({ id: order.id, result });
}

function answer(message: VerifyAnswer): void {
  parentPort?.postMessage(message);
}

function packed(order: PackOrder): Promise<NonNullable<VerifyAnswer["packed"]>> {
  return packFolder(order).catch((fault: unknown) =>
    asRefusal(fault, "INTERNAL", "a folder was not packed").toRecord(),
  );
}

function close(bundle: number): SliceResult | undefined {
  bundles.get(bundle)?.source.close();
  bundles.delete(bundle);
  return undefined;
}
