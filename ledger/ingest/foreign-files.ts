/** Taking files of a foreign file system over into a private copy: what it may hold is bounded in count and bytes before anything of it is read. */

import { closeSync, type Dirent } from "node:fs";
import { entriesIn, type OpenFile, openFileIn } from "../../host/no-follow.ts";
import { readPieces, readWhole, smallFile } from "../../host/read-file.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** How much more may be taken over. */
export class Allowance {
  /** bytes */
  #left: number;

  constructor(mostBytes: number) {
    this.#left = mostBytes;
  }

  /** Opens a file in an open folder; `listed` as for `openFileIn`. Refuses MEDIA-LIMIT what is larger than it may be, MEDIA-CHANGED what is gone, and as `openFileIn`. */
  open(folder: number, name: string, path: string, limit: number, listed = false): OpenFile {
    const file = openFileIn(folder, name, "one link", listed);
    if (!file) throw vanished(path);
    const { size } = file.stat;
    if (size > BigInt(Math.min(limit, this.#left))) {
      closeSync(file.descriptor);
      const expected = `${Math.min(limit, this.#left)} bytes`;
      throw new Refusal("MEDIA-LIMIT", `${shown(path)} is too large`, { expected, got: `${size} bytes`, about: path });
    }
    this.#left -= Number(size);
    return file;
  }
}

/** The bytes of a small file, in the memory that is given. Refuses MEDIA-READ, MEDIA-CHANGED. */
export function bytesOf(file: OpenFile, path: string, into: Uint8Array): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readWhole(file, smallFile, into);
  } catch (cause) {
    throw unread(path, cause);
  }
  if (!bytes) throw grew(path);
  return bytes;
}

/** The pieces of a file. Refuses MEDIA-READ. */
export async function* piecesOf(file: OpenFile, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* readPieces(file);
  } catch (cause) {
    throw unread(path, cause);
  }
}

/** What is in an open folder, by its listing. Refuses MEDIA-LIMIT more than `most`. */
export function* fewEntriesIn(folder: number, most: number): Generator<Dirent> {
  let count = 0;
  for (const entry of entriesIn(folder)) {
    if (++count > most)
      throw new Refusal("MEDIA-LIMIT", "a folder of a bundle holds too much", { expected: `at most ${most}` });
    yield entry;
  }
}

/** Runs what writes the private copy. Refuses STORE where the system refuses. */
export function stored<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (fault) {
    if (fault instanceof Refusal) throw fault;
    const cause = fault as NodeJS.ErrnoException;
    throw new Refusal("STORE", `the private copy cannot be written (${cause.code ?? cause.message})`, {
      about: path,
      cause,
    });
  }
}

export function grew(path: string): Refusal {
  return new Refusal("MEDIA-CHANGED", `${shown(path)} grew while it was read`, { about: path });
}

export function vanished(path: string): Refusal {
  return new Refusal("MEDIA-CHANGED", `${shown(path)} vanished while the stick was read`, { about: path });
}

function unread(path: string, cause: unknown): Refusal {
  return new Refusal("MEDIA-READ", `${shown(path)} cannot be read`, { about: path, cause });
}
