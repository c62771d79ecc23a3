/** What people keep of a box beside its batches, so that a store can be made anew from it: policies, orders, statements. */

import type { Box } from "./box.ts";
import { file, gathered } from "./file-pieces.ts";

/** `policies/policy-NNNN.p7m`, `orders/NNNN.p7m`, `statements/NNNN.p7m`: all of them. */
export function exportsOf({ orders, policies }: Pick<Box, "orders" | "policies">): Iterable<Uint8Array> {
  return gathered(
    (function* () {
      for (const { number, p7m } of policies.all()) yield* file(`policies/policy-${digits(number)}.p7m`, p7m);
      for (const { number, p7m, statement } of orders.stored()) {
        yield* file(`orders/${digits(number)}.p7m`, p7m);
        if (statement) yield* file(`statements/${digits(number)}.p7m`, statement);
      }
    })(),
  );
}

function digits(number: number): string {
  return String(number).padStart(4, "0");
}
