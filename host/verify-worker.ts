/** A thread of `verify-crew.ts`: opens the bundles that it is told of, and checks slices of them. */

import { parentPort } from "node:worker_threads";
import { asRefusal } from "../manifests/refusal.ts";
import { inPlace, type SealCrew } from "../manifests/verify/seal-slices.ts";
import { type BundleFolder, bundleFolder } from "./bundle-folder.ts";
import { nodeHost } from "./crypto-host.ts";
import type { VerifyAnswer, VerifyOrder } from "./verify-crew.ts";

const bundles = new Map<number, { readonly source: BundleFolder; readonly crew: SealCrew }>();

parentPort?.on("message", (order: VerifyOrder) => void take(order));

async function take(order: VerifyOrder): Promise<void> {
  if ("open" in order) {
    const { folder, ...options } = order.place;
    const source = bundleFolder(folder, options);
    bundles.set(order.open, { source, crew: inPlace(nodeHost, source)(order.context, 0) });
  } else if ("close" in order) {
    bundles.get(order.close)?.source.close();
    bundles.delete(order.close);
  } else {
    parentPort?.postMessage(await answer(order));
  }
}

async function answer({ id, bundle, slice }: Extract<VerifyOrder, { id: number }>): Promise<VerifyAnswer> {
  try {
    const open = bundles.get(bundle);
    if (!open) throw new Error("a slice of an unknown bundle");
    return { id, result: await open.crew.check(slice) };
  } catch (fault) {
    return { id, refusal: asRefusal(fault, "INTERNAL", "a slice could not be checked").toRecord() };
  }
}
