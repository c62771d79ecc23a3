/** What people keep of a box beside its batches, so that a store can be made anew from it: policies, orders, statements; and closing records. */

import { hex } from "../../manifests/encoding/bytes.ts";
import { lastAcknowledgement } from "./acknowledgements.ts";
import type { Box } from "./box.ts";
import { storedClosings } from "./closing.ts";
import { file, gathered } from "./file-pieces.ts";

/** `policies/policy-NNNN.p7m`, `orders/NNNN.p7m`, `statements/NNNN.p7m`, `closings/NNNN.p7m`: all of them; and the last `acknowledgements/DIGEST.p7m`. */
export function exportsOf({ db, orders, policies }: Pick<Box, "db" | "orders" | "policies">): Iterable<Uint8Array> {
  return gathered(
    (function* () {
      for (const { number, p7m } of policies.all()) yield* file(`policies/policy-${digits(number)}.p7m`, p7m);
      for (const { number, p7m, statement } of orders.stored()) {
        yield* file(`orders/${digits(number)}.p7m`, p7m);
        if (statement) yield* file(`statements/${digits(number)}.p7m`, statement);
      }
      for (const { number, p7m } of storedClosings(db)) yield* file(`closings/${digits(number)}.p7m`, p7m);
      const last = lastAcknowledgement(db);
      if (last) yield* file(`acknowledgements/${hex(last.file).slice(0, 16)}.p7m`, last.p7m);
    })(),
  );
}

function digits(number: number): string {
  return String(number).padStart(4, "0");
}
