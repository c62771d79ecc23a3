/**
 * Reading a container that may be hostile. All of it is looked at before any file is: every byte of the ZIP file belongs to one entry or to its end, entries
 * stand in the directory's order without gap or overlap, no two paths are one on any file system. Memory: some
 * hundred bytes an entry; half a GiB where a directory of the greatest length was made for it.
 */

import { closeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { type Entry, fromRandomAccessReaderPromise, type LocalFileHeader, parseExtraFields, type ZipFile } from "yauzl";
import { openNamed } from "../../host/named-file.ts";
import type { OpenFile } from "../../host/no-follow.ts";
import { collisionKey, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { fileFault } from "../file-fault.ts";
import { BlockReader } from "./block-reader.ts";
import { checkDescriptor, checkEntry, checkLocal, flags } from "./entry-rules.ts";
import { PathTree } from "./path-tree.ts";
import { type Directory, type ReadAt, readZipEnd } from "./zip-end.ts";

/** Most entries, most bytes of the directory, and most bytes that all files unpack to. */
export const limits = { entries: 500_000, directory: 64 << 20, bytes: 2 ** 40 } as const;

/** Names come raw, so that nothing of them is guessed; sizes are our own to check. */
const libraryOptions = { autoClose: false, decodeStrings: false, validateEntrySizes: false } as const;

/** Where an entry's bytes are, and what they are said to be. */
interface Place {
  readonly at: number;
  readonly compressed: number;
  readonly size: number;
  readonly crc: number;
  readonly deflated: boolean;
}

/** A container whose form holds. Its files are read when they are asked for. */
export class ZipContainer {
  readonly #zip: ZipFile;
  readonly #places: ReadonlyMap<string, Place>;
  readonly #tree: PathTree;
  readonly comment: string;

  constructor(zip: ZipFile, found: { places: ReadonlyMap<string, Place>; tree: PathTree; comment: string }) {
    this.#zip = zip;
    this.#places = found.places;
    this.#tree = found.tree;
    this.comment = found.comment;
  }

  /** In the order of the file. */
  get paths(): Iterable<string> {
    return this.#places.keys();
  }

  has(path: string): boolean {
    return this.#places.has(path);
  }

  /** Where in the container a file's bytes stand as they are; undefined where it is not there, or compressed. */
  storedAt(path: string): number | undefined {
    const place = this.#places.get(path);
    return place?.deflated ? undefined : place?.at;
  }

  /** Names of what stands directly in a folder, `""` being the root; none where there is no such folder. */
  list(folder: string): readonly string[] {
    return this.#tree.list(folder);
  }

  /** A small file as a whole. Refuses BUNDLE-FORM what is missing, longer than `limit` bytes, or not what the directory says. */
  async read(path: string, limit: number): Promise<Uint8Array> {
    const { size } = this.#place(path);
    if (size > limit) throw new Refusal("BUNDLE-FORM", `${shown(path)} is longer than ${limit} bytes`, { about: path });
    const bytes = new Uint8Array(size);
    let at = 0;
    for await (const piece of this.stream(path)) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** A file in pieces. Refuses BUNDLE-FORM what is missing and, at its end at the latest, what has another size or CRC than the directory says. */
  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const { at, compressed, crc, deflated, size } = this.#place(path);
    let [sum, length, unread] = [0, 0, 0];
    try {
      const opened = await openStream(this.#zip, [at, compressed, 0, compressed, deflated, size]);
      for await (const piece of opened) {
        sum = crc32(piece, sum);
        length += piece.length;
        if (length > size) break;
        yield piece;
      }
      // Bytes after the end of the compressed ones would be nobody's.
      unread = compressed - ("bytesWritten" in opened ? Number(opened.bytesWritten) : compressed);
    } catch (cause) {
      throw formFault(cause, `${shown(path)} does not unpack to what it is said to be`, path);
    }
    if (length === size && sum === crc && unread === 0) return;
    throw new Refusal("BUNDLE-FORM", `${shown(path)} is not what the container's directory says`, {
      expected: `${size} bytes, CRC ${crc}`,
      got: length > size || unread > 0 ? "more bytes" : `${length} bytes, CRC ${sum}`,
      about: path,
    });
  }

  /** Idempotent. */
  close(): void {
    this.#zip.close();
  }

  #place(path: string): Place {
    const place = this.#places.get(path);
    if (place) return place;
    throw new Refusal("BUNDLE-FORM", `${shown(path)} is missing`, { about: path });
  }
}

/**
 * Opens a container. Whoever asked closes it. Refuses USAGE what is no file, BUNDLE-FORM, MEDIA-NAME, MEDIA-KIND and MEDIA-LIMIT as `readZipEnd`
 * and `checkEntry` do, MEDIA-NAME paths that collide, BUNDLE-FORM bytes that belong to no entry or to two.
 */
export async function openContainer(path: string): Promise<ZipContainer> {
  let file: OpenFile;
  try {
    file = openNamed(path);
  } catch (fault) {
    throw fileFault(fault, "read a file", path);
  }
  let zip: ZipFile | undefined;
  try {
    const size = Number(file.stat.size);
    const blocks = new BlockReader(file.descriptor, size);
    const read: ReadAt = (at, length) => blocks.at(at, length);
    const directory = readZipEnd(read, size);
    checkLimits(directory);
    zip = await fromRandomAccessReaderPromise(blocks, size, libraryOptions);
    zip.on("error", () => undefined); // of closing; every other one comes back from the call that met it
    return new ZipContainer(zip, { ...(await survey(zip, directory, read)), comment: directory.comment });
  } catch (fault) {
    if (zip) zip.close();
    else closeSync(file.descriptor);
    throw formFault(fileFault(fault, "read a file", path), "this is no container: it cannot be read");
  }
}

/** What the library found wrong, in its words. */
function formFault(cause: unknown, message: string, about?: string): Refusal {
  if (cause instanceof Refusal) return cause;
  const got = shown((cause instanceof Error ? cause.message : String(cause)).slice(0, 200));
  return new Refusal("BUNDLE-FORM", message, { got, cause, ...(about === undefined ? {} : { about }) });
}

function checkLimits({ at, end, entries }: Directory): void {
  if (entries <= limits.entries && end - at <= limits.directory) return;
  throw new Refusal("MEDIA-LIMIT", "the container has too many entries", {
    expected: `at most ${limits.entries}`,
    got: `${entries}, in ${end - at} bytes`,
  });
}

/** Walks the directory: each entry begins where the one before ends, the last ends where the directory begins. */
async function survey(zip: ZipFile, directory: Directory, read: ReadAt) {
  const places = new Map<string, Place>();
  const tree = new PathTree();
  let open: { readonly entry: Entry; readonly path: string; readonly end: number } | undefined;
  let total = 0;
  const close = (next: number) => {
    const at = open?.end ?? 0;
    const gap = next - at;
    const described = open && (open.entry.generalPurposeBitFlag & flags.descriptor) !== 0;
    if (described ? checkDescriptor(open?.entry as Entry, read(at, Math.min(Math.max(gap, 0), 25))) : gap === 0) return;
    throw new Refusal("BUNDLE-FORM", "bytes of the container belong to no entry, or to two", {
      expected: `an entry at ${at}`,
      got: `one at ${next}`,
      ...(open ? { about: open.path } : {}),
    });
  };
  for await (const entry of zip.eachEntry()) {
    const path = checkEntry(entry);
    close(entry.relativeOffsetOfLocalHeader);
    if (!tree.add(path, collisionKey)) {
      throw new Refusal("MEDIA-NAME", `the path ${shown(path)} is there twice, or a folder as well`, { about: path });
    }
    const local = await zip.readLocalFileHeaderPromise(entry);
    checkLocal(entry, local, parseExtraFields(local.extraField), path);
    total += entry.uncompressedSize;
    if (total > limits.bytes)
      throw new Refusal("MEDIA-LIMIT", `all files together have more than ${limits.bytes} bytes`);
    places.set(path, placeOf(entry, local));
    open = { entry, path, end: local.fileDataStart + entry.compressedSize };
  }
  close(directory.at);
  if ((zip.readEntryCursor as unknown as number) !== directory.end) {
    throw new Refusal("BUNDLE-FORM", "the container's directory is longer than its entries");
  }
  return { places, tree };
}

function placeOf(entry: Entry, { fileDataStart }: LocalFileHeader): Place {
  const { compressedSize, compressionMethod, crc32: crc, uncompressedSize } = entry;
  return {
    at: fileDataStart,
    compressed: compressedSize,
    size: uncompressedSize,
    crc,
    deflated: compressionMethod === 8,
  };
}

/** The library's own promise of this opens something else. */
function openStream(
  zip: ZipFile,
  [at, compressed, from, to, deflated, size]: StreamPlace,
): Promise<AsyncIterable<Buffer>> {
  return new Promise((opened, failed) => {
    zip.openReadStreamLowLevel(at, compressed, from, to, deflated, size, (fault, stream) => {
      if (fault) failed(fault);
      else opened(stream);
    });
  });
}

type StreamPlace = readonly [at: number, compressed: number, from: number, to: number, deflated: boolean, size: number];
