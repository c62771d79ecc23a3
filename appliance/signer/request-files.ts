/** What was asked to be sealed, as the files of an answer: batch.p7m, or plain envelopes without their contents. */

import { fileHeader } from "../../manifests/encoding/file-stream.ts";
import type { Batch } from "./batches.ts";
import { storedFile, storedLength } from "./staged-request.ts";
import type { Db } from "./store.ts";
import { envelopeFiles } from "./stored-envelopes.ts";

/** `below`: before the path of batch.p7m. */
export function* requestFiles(db: Db, { id, head }: Batch, below = ""): Generator<Uint8Array> {
  if (head.type === "plain-envelopes") return yield* envelopeFiles(db, id);
  yield fileHeader(`${below}batch.p7m`, storedLength(db, id));
  yield* storedFile(db, id);
}
