/** Taking a stream of files apart: each file's bytes go where they belong, and are as many as announced. */

import type { FilePart } from "../../manifests/encoding/file-stream.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { outputNames } from "./output-path.ts";
import type { Incoming } from "./written-files.ts";

/**
 * Receives all files one after another; `open` is asked for each, and the file is given back by `done` when it is
 * whole. Refuses with MEDIA-NAME, FRAME (a file of another size than announced, or none at all), STOPPED, and whatever
 * the stream or the two throw.
 */
export async function receiveFiles(
  files: AsyncIterable<FilePart>,
  open: (names: readonly string[]) => Promise<Incoming>,
  done: (file: Incoming, names: readonly string[]) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let file: Incoming | undefined;
  let names: readonly string[] = [];
  let left = 0;
  let count = 0;
  try {
    for await (const part of files) {
      checkSignal(signal);
      if ("path" in part) {
        if (file) throw new Refusal("FRAME", "a file of the answer is shorter than announced");
        names = outputNames(part.path);
        file = await open(names);
        left = part.size;
        count++;
      } else {
        left -= part.bytes.length;
        if (!file || left < 0) throw new Refusal("FRAME", "a file of the answer is longer than announced");
        await file.add(part.bytes, left === 0);
      }
      if (left > 0) continue;
      await done(file, names);
      file = undefined;
    }
    if (file) throw new Refusal("FRAME", "a file of the answer is shorter than announced");
    if (count === 0) throw new Refusal("FRAME", "an answer without files");
  } finally {
    file?.abandon();
  }
}

/** Refuses with STOPPED once the signal was given. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Refusal("STOPPED", "writing to the stick was stopped");
}
