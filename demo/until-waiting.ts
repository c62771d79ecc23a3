/** Follows a batch until it waits for approval, with the daemon's own progress. */

import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { BatchRow } from "../appliance/client/batch-row.ts";
import { daemonClient } from "../appliance/client/daemon-client.ts";
import type { BoxPaths } from "../ceremony/provision/layout.ts";
import { size } from "../host/terminal/amounts.ts";
import { progressLine } from "../host/terminal/progress.ts";

/** Resolves when the batch in `slip.folder` waits for approval; throws when it ended instead. */
export async function untilWaiting(paths: BoxPaths, slip: { readonly folder: string }): Promise<BatchRow> {
  const { socket } = JSON.parse(await readFile(paths.box.daemonJson, "utf8")) as { socket: string };
  const daemon = daemonClient(socket);
  const progress = progressLine(process.stdout);
  for (;;) {
    const row = (await daemon.list(true)).find((one) => one.folder === slip.folder);
    progress.show(`     ${row ? rowText(row) : "waiting until the stick has not changed for a second"}`);
    if (row?.state === "waiting-for-approval") {
      progress.end();
      return row;
    }
    if (row?.refusal) throw new Error(`the batch was refused: ${row.refusal.code}: ${row.refusal.message}`);
    await setTimeout(100);
  }
}

function rowText(row: BatchRow): string {
  const { progress } = row;
  if (!progress) return `${row.state}${row.waiting ? `: ${row.waiting}` : ""}`;
  return `${row.state}: ${progress.documents} of ${progress.of} documents, ${size(progress.bytes)} of ${size(progress.ofBytes)}`;
}
