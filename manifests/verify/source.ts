/** Where a bundle comes from: the port that a folder, a stick or a browser's file list implements. */

import type { HashName } from "../cms/suite.ts";
import { hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Findings } from "./findings.ts";

/** Paths are relative to `outbox/BATCH`, with `/`. */
export interface BundleSource {
  /** A small file as a whole. Throws when it is not there; may throw when it is longer than `limit` bytes. */
  read(path: string, limit: number): Promise<Uint8Array>;
  /** A file of any size in pieces. Throws, at the latest when iterated, when it is not there. */
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Names of what stands directly in a folder (`""`: the bundle itself), in any order; none when there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /**
   * Digest and size of the document of that file name; undefined when it was not presented. A source that was given
   * what should be all documents refuses with DOCUMENT-MISSING instead. Of one of another size than `size` the digest may be left out: it is not that document.
   */
  documentDigest(
    name: string,
    hash: HashName,
    size?: number,
  ): Promise<{ readonly digest: Uint8Array; readonly size: number } | undefined>;
}

/** Most bytes of a file that is read as a whole. */
export const smallFile = 1 << 20;

/** Reads a small file. Refuses with BUNDLE-FORM one that is missing, cannot be read or is too long. */
export async function readSmall(source: BundleSource, path: string, limit = smallFile): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await source.read(path, limit);
  } catch (cause) {
    throw missing(cause);
  }
  if (bytes.length > limit) throw new Refusal("BUNDLE-FORM", `the file is longer than ${limit} bytes`);
  return bytes;
}

/** A file's pieces. Refuses with BUNDLE-FORM one that is missing or cannot be read. */
export async function* piecesOf(source: BundleSource, path: string): AsyncIterable<Uint8Array> {
  try {
    yield* source.stream(path);
  } catch (cause) {
    throw missing(cause);
  }
}

/** The pieces of a file that was read before; when they are other bytes now, that becomes a finding of the file. */
export async function* readAgain(
  work: { readonly host: Host; readonly source: BundleSource; readonly findings: Findings },
  path: string,
  sha256Hex: string,
): AsyncIterable<Uint8Array> {
  const file = work.host.hasher("sha256");
  for await (const piece of piecesOf(work.source, path)) {
    file.update(piece);
    yield piece;
  }
  if (hex(await file.digest()) !== sha256Hex) {
    work.findings.add(path, "MEDIA-CHANGED", "the file changed while it was verified");
  }
}

function missing(cause: unknown): Refusal {
  return cause instanceof Refusal
    ? cause
    : new Refusal("BUNDLE-FORM", "the file is missing or cannot be read", { cause });
}
