/** An ingest into a ledger: this process becomes the one that appends, and copies privately beside the store. */

import { utcOf } from "../../manifests/encoding/shape.ts";
import type { Append } from "../boxes/chain-manifest.ts";
import type { Ledger } from "../ledger-folder.ts";
import { append } from "../log/append.ts";
import { takeOver } from "../log/tree-head.ts";
import { type IngestWork, ingest, type Told } from "./ingest.ts";
import { inWorkFolder } from "./work-folder.ts";

/** Refuses as `ingest`; BUSY where another process became the one that appends meanwhile. */
export async function ingestInto(
  { db, folder }: Pick<Ledger, "db" | "folder">,
  sticks: readonly string[],
  hooks: Pick<IngestWork, "passedOver" | "signal" | "tell"> = {},
): Promise<readonly Told[]> {
  return inWorkFolder(folder, async (copies) => {
    const work = { db, append: appendAs(await takeOver(db)), folder: copies, now: () => utcOf(Date.now()) };
    return ingest({ ...work, ...hooks }, sticks);
  });
}

export function appendAs(epoch: number): Append {
  return async (sql, records) => (await append(sql, epoch, records)).map(({ index }) => index);
}
