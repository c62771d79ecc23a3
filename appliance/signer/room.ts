/** T20: the disk is asked for room for all that a batch adds to the record before the token signs any of it. */

import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { hex } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Batch } from "./batches.ts";
import type { Box } from "./box.ts";

/** The largest seal fills a page of its own beside its intent; measured are 0.9 KiB (P-256) and 1.2 KiB (RSA-3072). */
const bytesOfDocument = 5 * 1024;
/** The write-ahead log until it is folded into the file (4 MiB), the manifest and its logs, journal rows. */
const bytesOfBatch = 8 << 20;

/**
 * Refuses with STORE unless the store's file system has room for every intent and seal that is still missing, and the
 * manifest. Nothing is kept free by it: whoever else fills that disk meanwhile stops the batch between two chunks, and it goes on later.
 */
export function checkRoom({ batches, db }: Box, batch: Batch): void {
  const missing = batches.ending(batch) ? 0 : batch.count - batches.progress(batch).done;
  const wanted = bytesOfBatch + missing * bytesOfDocument;
  const { bavail, bsize } = statfsSync(dirname(db.name));
  const free = bavail * bsize;
  if (free >= wanted) return;
  throw new Refusal("STORE", "the disk has too little room for the batch's record", {
    about: hex(batch.batchDigest),
    expected: `${wanted} bytes free`,
    got: `${free} bytes`,
  });
}
