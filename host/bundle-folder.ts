/**
 * A bundle in a folder (`outbox/BATCH`, copied or on the stick), for `manifests/verify`. The folder may be hostile:
 * nothing in it is followed, only regular files are opened, and sizes are bounded where a file is read as a whole.
 */

import { closeSync, read } from "node:fs";
import { promisify } from "node:util";
import type { HashName } from "../manifests/cms/suite.ts";
import { checkDocumentName, shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { BundleSource } from "../manifests/verify/source.ts";
import { nodeHost } from "./crypto-host.ts";
import { namesIn, type OpenFile, openFileIn, openFolderBelow, openRoot } from "./no-follow.ts";

const piece = 1 << 20;
/** The largest folder of a bundle, `seals/DDDD`, has 1,000 files. */
const mostNames = 100_000;

/**
 * The bundle at `folder`. Documents are looked for by name directly in `documents`, where all that are asked for must be
 * (DOCUMENT-MISSING); without it none is presented.
 * Everything is opened anew for each call, so there is nothing to close. Refuses with BUNDLE-FORM what is missing or
 * too long, MEDIA-KIND links and what is no regular file, MEDIA-READ, DOCUMENT-NAME.
 */
export function bundleFolder(folder: string, options: { readonly documents?: string } = {}): BundleSource {
  const { documents } = options;
  return {
    read: (path, limit) => readWhole(folder, path, limit),
    stream: (path) => streamFile(folder, path),
    list: async (path) => listNames(folder, path),
    documentDigest: async (name, hash) => (documents === undefined ? undefined : digestDocument(documents, name, hash)),
  };
}

/** Digest and size of one file, read as a stream. */
async function digestDocument(folder: string, name: string, hash: HashName) {
  checkDocumentName(name);
  const file = openBelow(folder, [name]);
  if (!file) {
    const detail = { expected: shown(name), got: "no such file among the documents presented", about: name };
    throw new Refusal("DOCUMENT-MISSING", "the document is missing", detail);
  }
  const hasher = nodeHost.hasher(hash);
  let size = 0;
  for await (const bytes of pieces(file)) {
    hasher.update(bytes);
    size += bytes.length;
  }
  return { digest: await hasher.digest(), size };
}

async function readWhole(folder: string, path: string, limit: number): Promise<Uint8Array> {
  const file = openBelow(folder, namesOf(path));
  if (!file) throw missing(path);
  const bytes = new Uint8Array(file.stat.size > BigInt(limit) ? 0 : Number(file.stat.size));
  let at = 0;
  for await (const part of pieces(file)) {
    if (at + part.length > bytes.length) {
      throw new Refusal("BUNDLE-FORM", `${shown(path)} is longer than ${limit} bytes, or grows`, { about: path });
    }
    bytes.set(part, at);
    at += part.length;
  }
  return bytes.subarray(0, at);
}

async function* streamFile(folder: string, path: string): AsyncGenerator<Uint8Array> {
  const file = openBelow(folder, namesOf(path));
  if (!file) throw missing(path);
  yield* pieces(file);
}

function listNames(folder: string, path: string): readonly string[] {
  const top = openRoot(folder);
  try {
    const opened = openFolderBelow(top, path === "" ? [] : namesOf(path));
    if (opened === undefined) return [];
    try {
      const names: string[] = [];
      for (const name of namesIn(opened)) {
        if (names.push(name) > mostNames)
          throw new Refusal("BUNDLE-FORM", `${shown(path)} holds too many files`, { about: path });
      }
      return names;
    } finally {
      closeSync(opened);
    }
  } finally {
    closeSync(top);
  }
}

function openBelow(root: string, names: readonly string[]): OpenFile | undefined {
  const top = openRoot(root);
  try {
    const folder = openFolderBelow(top, names.slice(0, -1));
    if (folder === undefined) return undefined;
    try {
      return openFileIn(folder, names.at(-1) as string, "any links");
    } finally {
      closeSync(folder);
    }
  } finally {
    closeSync(top);
  }
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
    if (fault instanceof Refusal) throw fault;
    throw new Refusal("MEDIA-READ", "a file of the bundle cannot be read", { cause: fault });
  } finally {
    closeSync(descriptor);
  }
}

function namesOf(path: string): readonly string[] {
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === ".." || name.includes("\0"))) {
    throw new Refusal("BUNDLE-FORM", `${shown(path)} is not a path of a bundle`, { about: path });
  }
  return names;
}

function missing(path: string): Refusal {
  return new Refusal("BUNDLE-FORM", `${shown(path)} is missing`, { about: path });
}
