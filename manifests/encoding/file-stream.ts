/** Several files in one stream of bytes: for each u16 path length, path (UTF-8), u64 size, then its bytes. */

import { Refusal } from "../refusal.ts";
import { concat, utf8 } from "./bytes.ts";

/** The header that stands before a file's bytes. */
export function fileHeader(path: string, size: number): Uint8Array {
  const name = utf8(path);
  const header = new Uint8Array(10 + name.length);
  const view = new DataView(header.buffer);
  view.setUint16(0, name.length);
  header.set(name, 2);
  view.setBigUint64(2 + name.length, BigInt(size));
  return header;
}

/** Most bytes of a path: far more than the box's own take, and few enough to be gathered from pieces of one byte. */
const pathLimit = 1024;

/** What a stream of files consists of, in order: a file's start, then its pieces. */
export type FilePart = { readonly path: string; readonly size: number } | { readonly bytes: Uint8Array };

/** Reads a stream of files. Refuses with FRAME a path that is not a relative path of plain names or is over 1 KiB, and a stream that ends early. */
export async function* readFiles(stream: AsyncIterable<Uint8Array>): AsyncIterable<FilePart> {
  let pending: Uint8Array = new Uint8Array(0);
  let left = 0;
  for await (const chunk of stream) {
    pending = pending.length === 0 ? chunk : concat([pending, chunk]);
    for (;;) {
      if (left > 0) {
        if (pending.length === 0) break;
        const bytes = pending.subarray(0, left);
        pending = pending.subarray(bytes.length);
        left -= bytes.length;
        yield { bytes };
        continue;
      }
      const header = readHeader(pending);
      if (!header) break;
      pending = pending.subarray(header.length);
      left = header.size;
      yield { path: header.path, size: header.size };
    }
  }
  if (left > 0 || pending.length > 0) throw new Refusal("FRAME", "a stream of files ended early");
}

function readHeader(bytes: Uint8Array): { path: string; size: number; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const nameLength = view.getUint16(0);
  if (nameLength > pathLimit) throw new Refusal("FRAME", `a stream of files holds a path of ${nameLength} bytes`);
  const length = 10 + nameLength;
  if (bytes.length < length) return undefined;
  const path = String.fromCharCode(...bytes.subarray(2, 2 + nameLength)); // a plain path is ASCII: any other byte is refused
  const size = Number(view.getBigUint64(2 + nameLength));
  if (!path.split("/").every((part) => /^[A-Za-z0-9._-]+$/.test(part) && !/^\.+$/.test(part))) {
    throw new Refusal("FRAME", "a stream of files holds a path that is not plain");
  }
  if (!Number.isSafeInteger(size)) throw new Refusal("FRAME", "a stream of files holds a size over 2^53");
  return { path, size, length };
}
