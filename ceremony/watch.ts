/** Follows a batch to its end and says what it waits for. */

import type { BatchRow } from "../appliance/client/batch-row.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";
import { whyText } from "./screens/list-screen.ts";

/**
 * Shows every change until the batch was released, refused, rejected or aborted; gives its last row. Refuses with the
 * batch's own refusal, or ABORTED or BATCH-ENDED, when it did not end as released.
 */
export async function watchBatch(sitting: Sitting, batch: string): Promise<BatchRow> {
  const progress = sitting.output.progress();
  try {
    const row = await sitting.daemon.watch(batch, (one) => progress.show(`${shown(batch)}: ${whyText(one)}`));
    const number = row.number === null ? "" : `, manifest ${row.number}`;
    progress.end(`${shown(batch)}: ${row.state}${number}`);
    if (row.state === "released") return row;
    if (row.refusal) throw Refusal.fromRecord(row.refusal);
    throw new Refusal(row.state === "aborted" ? "ABORTED" : "BATCH-ENDED", `batch ${batch} ended as ${row.state}`, {
      expected: "released",
      got: row.state,
    });
  } finally {
    progress.end();
  }
}
