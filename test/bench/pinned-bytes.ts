/** Documents that are the same in every run of the benchmark, and different from each other. */

import { createCipheriv } from "node:crypto";

/** The first `length` bytes of a stream that `seed` alone decides; nothing packs or deduplicates them. */
export function pinnedBytes(seed: string, length: number): Buffer {
  const key = Buffer.alloc(16);
  key.write(seed);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** `count` documents of `bytes` bytes each, by name. */
export function pinnedDocuments(seed: string, count: number, bytes: number): Record<string, Uint8Array> {
  const all = pinnedBytes(seed, count * bytes);
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`document-${at}.bin`, all.subarray(at * bytes, (at + 1) * bytes)]),
  );
}
