/** Faults of the store as callers see them: STORE, and a box that stops when its file can no longer be trusted. */

import type { Handlers } from "../../host/wire.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Box } from "./box.ts";
import { storeFault } from "./store.ts";

/**
 * The same methods; a fault of the database refuses with STORE. After one that may have lost what was written (a failed
 * write or fsync is final), nothing is written or signed until the signer was started anew and has read its file again.
 */
export function guarded(box: Pick<Box, "fault">, methods: Handlers): Handlers {
  const entries = Object.entries(methods).map(([name, method]): [string, Handlers[string]] => [
    name,
    async (parameters, call) => {
      try {
        return await method(parameters, call);
      } catch (thrown) {
        const { fault, lost } = storeFault(thrown);
        if (lost && fault instanceof Refusal) box.fault ??= fault;
        throw fault;
      }
    },
  ]);
  return Object.fromEntries(entries);
}
