/**
 * A bundle in a folder (`outbox/BATCH`, copied or on the stick), for `manifests/verify`. The folder may be hostile:
 * nothing in it is followed, only regular files are opened, and sizes are bounded where a file is read as a whole.
 */

import { closeSync } from "node:fs";
import type { HashName } from "../manifests/cms/suite.ts";
import { checkDocumentName, shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { BundleSource } from "../manifests/verify/source.ts";
import { type EntryKind, kindOf, type OpenFile, openFileIn, statIn } from "./no-follow.ts";
import { OpenFolders, parentOf } from "./open-folders.ts";
import { digestFile, readPieces, readWhole, turns } from "./read-file.ts";

/** The largest folder of a bundle, `seals/DDDD`, has 1,000 files. */
const usualNames = 100_000;

/** A bundle whose folders are held open between calls. */
export interface BundleFolder extends BundleSource {
  /** What stands at a path, links not followed; undefined where nothing does. Refuses as `list`. */
  kind(path: string): EntryKind | undefined;
  /** Closes them; it may be used again. */
  close(): void;
}

/**
 * The bundle at `folder`. Documents are looked for by name directly in `documents`, where all that are asked for must be
 * (DOCUMENT-MISSING); without it none is presented. A folder may hold `mostNames` names. Whoever asked closes it. Refuses with BUNDLE-FORM what is missing or
 * too long, MEDIA-KIND links and what is no regular file, MEDIA-READ, DOCUMENT-NAME.
 */
export function bundleFolder(
  folder: string,
  options: { readonly documents?: string; readonly mostNames?: number } = {},
): BundleFolder {
  const files = new OpenFolders(folder);
  const documents = options.documents === undefined ? undefined : new OpenFolders(options.documents);
  const giveWay = turns();
  return {
    async read(path, limit) {
      await giveWay();
      return readBounded(openBelow(files, path) ?? missing(path), path, limit);
    },
    async *stream(path) {
      yield* pieces(openBelow(files, path) ?? missing(path));
    },
    list: async (path) => listNames(files, path, options.mostNames ?? usualNames),
    kind(path) {
      checkPath(path);
      const { folder, name } = parentOf(path);
      const descriptor = files.at(folder);
      const stat = descriptor === undefined ? undefined : statIn(descriptor, name);
      return stat && kindOf(stat);
    },
    async documentDigest(name, hash, size) {
      if (!documents) return undefined;
      await giveWay();
      return digestDocument(documents, { name, hash, size });
    },
    close() {
      files.close();
      documents?.close();
    },
  };
}

/** Digest and size of one file; of a file that has not the size asked for, which may be any size, its size alone. */
async function digestDocument(
  folder: OpenFolders,
  { name, hash, size }: { readonly name: string; readonly hash: HashName; readonly size: number | undefined },
) {
  checkDocumentName(name);
  const file = openBelow(folder, name);
  if (!file) {
    const detail = { expected: shown(name), got: "no such file among the documents presented", about: name };
    throw new Refusal("DOCUMENT-MISSING", "the document is missing", detail);
  }
  if (size !== undefined && file.stat.size !== BigInt(size)) {
    closeSync(file.descriptor);
    return { digest: new Uint8Array(0), size: Number(file.stat.size) };
  }
  return digestFile(file, hash).catch(readFault);
}

function readBounded(file: OpenFile, path: string, limit: number): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readWhole(file, limit);
  } catch (fault) {
    readFault(fault);
  }
  if (bytes) return bytes;
  throw new Refusal("BUNDLE-FORM", `${shown(path)} is longer than ${limit} bytes, or grows`, { about: path });
}

async function* pieces(file: OpenFile): AsyncGenerator<Uint8Array> {
  try {
    yield* readPieces(file);
  } catch (fault) {
    readFault(fault);
  }
}

function listNames(folders: OpenFolders, path: string, mostNames: number): readonly string[] {
  if (path !== "") checkPath(path);
  const listed: string[] = [];
  for (const name of folders.names(path)) {
    if (listed.push(name) > mostNames)
      throw new Refusal("BUNDLE-FORM", `${shown(path)} holds too many files`, { about: path });
  }
  return listed;
}

function openBelow(folders: OpenFolders, path: string): OpenFile | undefined {
  checkPath(path);
  const { folder, name } = parentOf(path);
  const held = folders.holding(folder, name);
  return held && openFileIn(held.descriptor, name, "any links", held.listed);
}

function readFault(fault: unknown): never {
  if (fault instanceof Refusal) throw fault;
  throw new Refusal("MEDIA-READ", "a file of the bundle cannot be read", { cause: fault });
}

/** A name that is empty or leads elsewhere, or a NUL, which ends a path for the system. */
const noPath = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

function checkPath(path: string): void {
  if (noPath.test(path)) throw new Refusal("BUNDLE-FORM", `${shown(path)} is not a path of a bundle`, { about: path });
}

function missing(path: string): never {
  throw new Refusal("BUNDLE-FORM", `${shown(path)} is missing`, { about: path });
}
