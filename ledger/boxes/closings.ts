/** The closing records of a box's emergencies that are here. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { type Closing, closingLists, readClosing } from "../../manifests/records/closing.ts";
import type { Sql } from "../store/database.ts";
import { wholeEvidence } from "./evidence.ts";

export interface Closed {
  readonly closing: Closing;
  /** of the log */
  readonly entry: number;
  readonly lists: ReturnType<typeof closingLists>;
}

/** In the order in which they came in, by the order that declared each emergency, hex. Refuses STORE. */
export async function closingsOf(sql: Sql, box: number): Promise<ReadonlyMap<string, readonly Closed[]>> {
  const rows = await sql.all<{ file: Uint8Array; entry: number }>(
    "SELECT file, entry FROM box_records WHERE box = ? AND type = 'closing' ORDER BY record",
    box,
  );
  const closings: Closed[] = [];
  for (const { entry, file } of rows) {
    const closing = readClosing(readSignedData(await wholeEvidence(sql, file)).content ?? new Uint8Array(0));
    closings.push({ closing, entry, lists: closingLists(closing) });
  }
  return Map.groupBy(closings, ({ closing }) => closing.declared.order);
}
