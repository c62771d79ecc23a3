/**
 * A bundle in a folder (`outbox/BATCH`, copied or on the stick), for `manifests/verify`. The folder may be hostile:
 * nothing in it is followed, only regular files are opened, and sizes are bounded where a file is read as a whole.
 */

import { closeSync, read, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import type { HashName } from "../manifests/cms/suite.ts";
import { checkDocumentName, shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { BundleSource } from "../manifests/verify/source.ts";
import { digestOf, nodeHost } from "./crypto-host.ts";
import { namesIn, type OpenFile, openFileIn } from "./no-follow.ts";
import { OpenFolders } from "./open-folders.ts";

const piece = 1 << 20;
/** Files up to this size are read at once, in the way of other work. */
const small = 64 * 1024;
/** Longest time that small files keep other work waiting, in milliseconds. */
const turn = 10;
/** The largest folder of a bundle, `seals/DDDD`, has 1,000 files. */
const mostNames = 100_000;

/** A bundle whose folders are held open between calls. */
export interface BundleFolder extends BundleSource {
  /** Closes them; it may be used again. */
  close(): void;
}

/**
 * The bundle at `folder`. Documents are looked for by name directly in `documents`, where all that are asked for must be
 * (DOCUMENT-MISSING); without it none is presented. Whoever asked closes it. Refuses with BUNDLE-FORM what is missing or
 * too long, MEDIA-KIND links and what is no regular file, MEDIA-READ, DOCUMENT-NAME.
 */
export function bundleFolder(folder: string, options: { readonly documents?: string } = {}): BundleFolder {
  const files = new OpenFolders(folder);
  const documents = options.documents === undefined ? undefined : new OpenFolders(options.documents);
  const giveWay = turns();
  return {
    async read(path, limit) {
      await giveWay();
      return readWhole(openBelow(files, namesOf(path)) ?? missing(path), path, limit);
    },
    async *stream(path) {
      yield* pieces(openBelow(files, namesOf(path)) ?? missing(path));
    },
    list: async (path) => listNames(files, path === "" ? [] : namesOf(path), path),
    async documentDigest(name, hash) {
      if (!documents) return undefined;
      await giveWay();
      return digestDocument(documents, name, hash);
    },
    close() {
      files.close();
      documents?.close();
    },
  };
}

/** Resolves at once, and every `turn` milliseconds only after other work had its turn. */
function turns(): () => Promise<void> {
  let started = performance.now();
  return async () => {
    if (performance.now() - started < turn) return;
    await setImmediate();
    started = performance.now();
  };
}

/** Digest and size of one file, read as a stream unless it is small. */
async function digestDocument(folder: OpenFolders, name: string, hash: HashName) {
  checkDocumentName(name);
  const file = openBelow(folder, [name]);
  if (!file) {
    const detail = { expected: shown(name), got: "no such file among the documents presented", about: name };
    throw new Refusal("DOCUMENT-MISSING", "the document is missing", detail);
  }
  if (file.stat.size <= small) {
    const bytes = readWhole(file, name, small);
    return { digest: digestOf(hash, bytes), size: bytes.length };
  }
  const hasher = nodeHost.hasher(hash);
  let size = 0;
  for await (const bytes of pieces(file)) {
    hasher.update(bytes);
    size += bytes.length;
  }
  return { digest: await hasher.digest(), size };
}

/** All bytes of an open file, which is closed at the end. */
function readWhole({ descriptor, stat }: OpenFile, path: string, limit: number): Uint8Array {
  try {
    // One byte more than it had: a file that grows shows itself.
    const bytes = new Uint8Array(stat.size > BigInt(limit) ? 1 : Number(stat.size) + 1);
    let length = 0;
    while (length < bytes.length) {
      const got = readSync(descriptor, bytes, length, bytes.length - length, null);
      if (got === 0) return bytes.subarray(0, length);
      length += got;
    }
  } catch (fault) {
    throw readFault(fault);
  } finally {
    closeSync(descriptor);
  }
  throw new Refusal("BUNDLE-FORM", `${shown(path)} is longer than ${limit} bytes, or grows`, { about: path });
}

function listNames(folders: OpenFolders, names: readonly string[], path: string): readonly string[] {
  const folder = folders.at(names);
  if (folder === undefined) return [];
  const listed: string[] = [];
  for (const name of namesIn(folder)) {
    if (listed.push(name) > mostNames)
      throw new Refusal("BUNDLE-FORM", `${shown(path)} holds too many files`, { about: path });
  }
  return listed;
}

function openBelow(folders: OpenFolders, names: readonly string[]): OpenFile | undefined {
  const folder = folders.at(names.slice(0, -1));
  return folder === undefined ? undefined : openFileIn(folder, names.at(-1) as string, "any links");
}

const readPiece = promisify(read);

/** The pieces of an open file, which is closed at the end. */
async function* pieces({ descriptor, stat }: OpenFile): AsyncGenerator<Uint8Array> {
  try {
    const length = Number(stat.size < BigInt(piece) ? stat.size + 1n : BigInt(piece));
    for (;;) {
      const { bytesRead, buffer } = await readPiece(descriptor, Buffer.allocUnsafe(length), 0, length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (fault) {
    throw readFault(fault);
  } finally {
    closeSync(descriptor);
  }
}

function readFault(fault: unknown): Refusal {
  if (fault instanceof Refusal) return fault;
  return new Refusal("MEDIA-READ", "a file of the bundle cannot be read", { cause: fault });
}

function namesOf(path: string): readonly string[] {
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === ".." || name.includes("\0"))) {
    throw new Refusal("BUNDLE-FORM", `${shown(path)} is not a path of a bundle`, { about: path });
  }
  return names;
}

function missing(path: string): never {
  throw new Refusal("BUNDLE-FORM", `${shown(path)} is missing`, { about: path });
}
