/** Follows a batch to its end and says what it waits for. */

import type { Json } from "../manifests/encoding/canonical-json.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { batchRow, members } from "./batch-row.ts";
import type { Sitting } from "./ports.ts";
import { whyText } from "./screens/list-screen.ts";

/**
 * Shows every change until the batch was released, refused, rejected or aborted; gives its last row. Refuses with the
 * batch's own refusal, or ABORTED or BATCH-ENDED, when it did not end as released.
 */
export async function watchBatch(sitting: Sitting, batch: string): Promise<Json> {
  const progress = sitting.output.progress();
  try {
    const onProgress = (value: Json) => progress.show(`${shown(batch)}: ${whyText(batchRow(value))}`);
    const { result } = await sitting.daemon("watch", { batch }, { onProgress });
    const answer = members(result).listed ?? members(result).batch ?? result;
    const row = batchRow(typeof answer === "object" ? answer : result);
    progress.end(`${shown(batch)}: ${row.state}${row.number === null ? "" : `, manifest ${row.number}`}`);
    if (row.state === "released") return result;
    if (row.refusal) throw Refusal.fromRecord(row.refusal);
    throw new Refusal(row.state === "aborted" ? "ABORTED" : "BATCH-ENDED", `batch ${batch} ended as ${row.state}`, {
      expected: "released",
      got: row.state,
    });
  } finally {
    progress.end();
  }
}
