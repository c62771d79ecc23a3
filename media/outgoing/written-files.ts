/** The files of one placement: created exclusively below a folder, by descriptor, digests remembered, read again later. */

import { createHash, type Hash } from "node:crypto";
import { closeSync, constants, read } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import {
  entryPath,
  makeFolderIn,
  namesIn,
  openFileIn,
  openFolderBelow,
  openFolderIn,
  statIn,
} from "../../host/no-follow.ts";

/** What was given for one file: its names below the placed folder, its size in bytes and SHA-256. */
export interface GivenFile {
  readonly names: readonly string[];
  readonly size: number;
  readonly digest: string;
}

/** Runs a write and says what its faults mean (`faults.ts`). */
export type OnMedia = <T>(work: () => Promise<T>) => Promise<T>;

/** One file being received: hashed, and written unless it is only to be compared with what is there. */
export class Incoming {
  readonly #hash: Hash = createHash("sha256");
  readonly #file: FileHandle | undefined;
  readonly #names: readonly string[];
  readonly #onMedia: OnMedia;
  #size = 0;

  private constructor(names: readonly string[], file: FileHandle | undefined, onMedia: OnMedia) {
    this.#names = names;
    this.#file = file;
    this.#onMedia = onMedia;
  }

  /** Only hashes. */
  static compared(names: readonly string[]): Incoming {
    return new Incoming(names, undefined, (work) => work());
  }

  /** Creates the file `names` (the placed folder's first) below an open folder, folders too. Throws EEXIST when it is there. */
  static async created(folder: number, names: readonly string[], onMedia: OnMedia): Promise<Incoming> {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const opened = makeFolders(folder, names.slice(0, -1));
    try {
      const path = entryPath(opened, names.at(-1) as string);
      return new Incoming(names.slice(1), await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644), onMedia);
    } finally {
      closeSync(opened);
    }
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    const file = this.#file;
    if (!file) return;
    await this.#onMedia(async () => {
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
    });
  }

  async finish(): Promise<GivenFile> {
    await this.#onMedia(async () => this.#file?.close());
    return { names: this.#names, size: this.#size, digest: this.#hash.digest("hex") };
  }

  async abandon(): Promise<void> {
    await this.#file?.close().catch(() => undefined);
  }
}

/**
 * The first difference between a folder and what was given for it: a file that is missing, other, or one too many.
 * Opens and reads everything again; undefined when all is the same.
 */
export async function difference(folder: number, given: readonly GivenFile[]): Promise<string | undefined> {
  for (const file of given) {
    if ((await digestBelow(folder, file)) !== file.digest) return file.names.join("/");
  }
  const count = countFiles(folder, given.length);
  return count === given.length ? undefined : "a file too many";
}

const readPiece = promisify(read);

async function digestBelow(folder: number, { names, size }: GivenFile): Promise<string | undefined> {
  const opened = openFolderBelow(folder, names.slice(0, -1));
  if (opened === undefined) return undefined;
  const file = openFileInClosing(opened, names.at(-1) as string);
  if (!file) return undefined;
  try {
    if (file.stat.size !== BigInt(size)) return undefined;
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafe(Math.min(1 << 20, size + 1));
    for (let left = size + 1; left > 0; ) {
      const { bytesRead } = await readPiece(file.descriptor, buffer, 0, Math.min(buffer.length, left), null);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      left -= bytesRead;
    }
    return hash.digest("hex");
  } finally {
    closeSync(file.descriptor);
  }
}

function openFileInClosing(folder: number, name: string) {
  try {
    return openFileIn(folder, name);
  } finally {
    closeSync(folder);
  }
}

/** Files below a folder; stops once there are more than `enough`. */
function countFiles(folder: number, enough: number): number {
  let count = 0;
  for (const name of namesIn(folder)) {
    if (count > enough) break;
    const inner = statIn(folder, name)?.isDirectory() ? openFolderIn(folder, name) : undefined;
    if (inner === undefined) count++;
    else {
      count += countFiles(inner, enough - count);
      closeSync(inner);
    }
  }
  return count;
}

function makeFolders(folder: number, names: readonly string[]): number {
  let at = folder;
  for (const name of names) {
    const next = makeFolderIn(at, name);
    if (at !== folder) closeSync(at);
    at = next;
  }
  return at === folder ? makeFolderIn(folder, ".") : at;
}
