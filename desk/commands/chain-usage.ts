/** What goes with `--chain`, said without the code that reads chains. */

import { Refusal } from "../../manifests/refusal.ts";

/** Refuses USAGE a chain beside something that is no bundle. */
export function checkNoChain({ chain }: { readonly chain?: string }): void {
  if (chain !== undefined) throw chainUsage("--chain goes with a bundle's folder, or stands alone", chain);
}

export function chainUsage(message: string, got: string): Refusal {
  const expected = "coldseal verify --chain FOLDER, or coldseal verify outbox/BATCH [--chain FOLDER]";
  return new Refusal("USAGE", message, { expected, got });
}
