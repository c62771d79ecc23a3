/** Reading open files: small ones at once, large ones in pieces, and never so long in one go that other work waits. */

import { closeSync, read, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import type { HashName } from "../manifests/cms/suite.ts";
import { digestOf, nodeHost } from "./crypto-host.ts";
import type { OpenFile } from "./no-follow.ts";

const piece = 1 << 20;
/** Files up to this size, in bytes, are worth no thread of their own: they are read, and written, in the way of other work. */
export const smallFile = 64 * 1024;
/** Longest time that small files keep other work waiting, in milliseconds. */
const turn = 10;

/** Resolves at once, and every 10 milliseconds only after other work had its turn. */
export function turns(): () => Promise<void> {
  let started = performance.now();
  return async () => {
    if (performance.now() - started < turn) return;
    await setImmediate();
    started = performance.now();
  };
}

/**
 * All bytes of an open file, which is closed in any case; undefined when it has more than `limit` bytes, or more than it had.
 * They stand in `into` where that is given and large enough. Throws errors of the system.
 */
export function readWhole({ descriptor, stat }: OpenFile, limit: number, into?: Uint8Array): Uint8Array | undefined {
  try {
    // One byte more than it had: a file that grows shows itself.
    const wanted = stat.size > BigInt(limit) ? 1 : Number(stat.size) + 1;
    const bytes = into && into.length >= wanted ? into.subarray(0, wanted) : pooled(wanted);
    let length = 0;
    while (length < wanted) {
      const got = readSync(descriptor, bytes, length, wanted - length, null);
      length += got;
      // Less than was asked for, and all that it had: it ends here, and needs no other look to see that.
      if (length < wanted && (got === 0 || BigInt(length) === stat.size)) return bytes.subarray(0, length);
    }
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Many small pieces of memory of their own cost more than what is read into them: Node's pool holds them. */
function pooled(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(length);
  return new Uint8Array(buffer, byteOffset, length);
}

const digested = new Uint8Array(smallFile + 1);

const readPiece = promisify(read);

/** The pieces of an open file, which is closed at the end. Throws errors of the system. */
export async function* readPieces({ descriptor, stat }: OpenFile): AsyncGenerator<Uint8Array> {
  try {
    const length = Number(stat.size < BigInt(piece) ? stat.size + 1n : BigInt(piece));
    for (;;) {
      const { bytesRead, buffer } = await readPiece(descriptor, Buffer.allocUnsafe(length), 0, length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Digest and size in bytes of an open file, which is closed in any case. Throws errors of the system. */
export async function digestFile(
  file: OpenFile,
  hash: HashName,
): Promise<{ readonly digest: Uint8Array; readonly size: number }> {
  if (file.stat.size <= smallFile) {
    const bytes = readWhole(file, smallFile, digested);
    if (bytes) return { digest: digestOf(hash, bytes), size: bytes.length };
    throw new Error("a small file grew while it was read");
  }
  const hasher = nodeHost.hasher(hash);
  let size = 0;
  for await (const bytes of readPieces(file)) {
    hasher.update(bytes);
    size += bytes.length;
  }
  return { digest: await hasher.digest(), size };
}
