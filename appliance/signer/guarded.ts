/**
 * Refusals and faults as callers see them: what the signer refuses is journalled; a fault of the store is STORE, and stops
 * a box whose file can no longer be trusted.
 */

import type { Body, Handlers } from "../../host/wire.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Box } from "./box.ts";
import { storeFault } from "./store.ts";

/** Methods whose refusals are journalled; the others only read, or journal by themselves. */
const journalled: ReadonlySet<string> = new Set([
  "submit",
  "authorize",
  "seal",
  "reject",
  "abort",
  "import-policy",
  "order",
  "unlock",
]);

type Guarded = Pick<Box, "fault" | "refusals">;

/** The same methods, and their answers' bodies: refusals are journalled, faults taken as `takeFault` says. */
export function guarded(box: Guarded, methods: Handlers): Handlers {
  const entries = Object.entries(methods).map(([name, method]): [string, Handlers[string]] => [
    name,
    async (parameters, call) => {
      try {
        const answer = await method(parameters, call);
        return answer.body ? { ...answer, body: guardedBody(box, answer.body) } : answer;
      } catch (thrown) {
        const fault = takeFault(box, thrown);
        if (fault instanceof Refusal && journalled.has(name)) note(box, name, fault, parameters);
        throw fault;
      }
    },
  ]);
  return Object.fromEntries(entries);
}

/**
 * What a fault is to others: one of the database is STORE, whatever else it is stays itself. After one that may have lost
 * what was written (a failed write or fsync is final), nothing is written or signed until the signer was started anew
 * and has read its file again.
 */
export function takeFault(box: Pick<Box, "fault">, thrown: unknown): unknown {
  const { fault, lost } = storeFault(thrown);
  if (lost && fault instanceof Refusal) box.fault ??= fault;
  return fault;
}

async function* guardedBody(box: Guarded, body: Body): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (thrown) {
    throw takeFault(box, thrown);
  }
}

/** A refusal that cannot be journalled stays the same refusal; a box that is stopped journals nothing. */
function note(box: Guarded, method: string, refusal: Refusal, parameters: Json): void {
  if (box.fault) return;
  const asked = (parameters as { readonly batchDigest?: Json } | null)?.batchDigest;
  try {
    box.refusals.note(method, refusal, typeof asked === "string" ? asked : undefined);
  } catch (thrown) {
    takeFault(box, thrown);
  }
}
