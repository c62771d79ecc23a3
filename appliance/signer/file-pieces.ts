/** Streams of files out of the store, in pieces that fill a frame. */

import { concat } from "../../manifests/encoding/bytes.ts";
import { fileHeader } from "../../manifests/encoding/file-stream.ts";

/** One file of a stream. */
export function* file(path: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield fileHeader(path, bytes.length);
  yield bytes;
}

const pieceBytes = 64 * 1024;

/** Small pieces joined, so that a frame carries many files. */
export function* gathered(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  let held: Uint8Array[] = [];
  let length = 0;
  for (const piece of pieces) {
    held.push(piece);
    length += piece.length;
    if (length < pieceBytes) continue;
    yield concat(held);
    held = [];
    length = 0;
  }
  if (length > 0) yield concat(held);
}
