/** The files of one placement: created exclusively below a folder, by descriptor, digests remembered, read again later. */

import { createHash, type Hash } from "node:crypto";
import { closeSync, constants, openSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import { digestOf } from "../../host/crypto-host.ts";
import { entryPath, makeFolderIn, namesIn, openFileIn, openFolderIn, statIn } from "../../host/no-follow.ts";
import { OpenFolders } from "../../host/open-folders.ts";
import { digestFile, smallFile, turns } from "../../host/read-file.ts";
import { hex } from "../../manifests/encoding/bytes.ts";

/** What was given for one file: its names below the placed folder, its size in bytes and SHA-256. */
export interface GivenFile {
  readonly names: readonly string[];
  readonly size: number;
  readonly digest: string;
}

const digestBytes = 32;

/** What was given for many files, in little memory: a hundred thousand are about 15 MiB. */
export class GivenFiles implements Iterable<GivenFile> {
  readonly #paths: string[] = [];
  readonly #sizes: number[] = [];
  #digests = Buffer.alloc(1024 * digestBytes);

  get length(): number {
    return this.#paths.length;
  }

  /** Together, in bytes. */
  get bytes(): number {
    return this.#sizes.reduce((sum, size) => sum + size, 0);
  }

  add({ names, size, digest }: GivenFile): void {
    const at = this.length * digestBytes;
    if (at === this.#digests.length) this.#digests = Buffer.concat([this.#digests, Buffer.alloc(at)]);
    this.#digests.write(digest, at, "hex");
    this.#paths.push(flat(names.join("/")));
    this.#sizes.push(size);
  }

  *[Symbol.iterator](): Iterator<GivenFile> {
    for (const [at, path] of this.#paths.entries()) {
      const digest = this.#digests.toString("hex", at * digestBytes, (at + 1) * digestBytes);
      yield { names: path.split("/"), size: this.#sizes[at] as number, digest };
    }
  }
}

/** The text as one piece of memory, instead of a tree of those that it was joined from. */
function flat(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

/** Runs a write and says what its faults mean (`faults.ts`). */
export type OnMedia = <T>(work: () => Promise<T>) => Promise<T>;

/** One file being received: hashed, and written unless it is only to be compared with what is there. */
export class Incoming {
  readonly #names: readonly string[];
  readonly #onMedia: OnMedia;
  #file: number | undefined;
  #hash: Hash | undefined;
  /** of a file that came in one piece */
  #digest: string | undefined;
  #size = 0;

  private constructor(names: readonly string[], file: number | undefined, onMedia: OnMedia) {
    this.#names = names;
    this.#file = file;
    this.#onMedia = onMedia;
  }

  /** Only hashes. */
  static compared(names: readonly string[]): Incoming {
    return new Incoming(names, undefined, (work) => work());
  }

  /** Creates the file `names` (the placed folder's first) in its open folder. Throws EEXIST when it is there. */
  static created(folder: number, names: readonly string[], onMedia: OnMedia): Incoming {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const path = entryPath(folder, names.at(-1) as string);
    return new Incoming(names.slice(1), openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644), onMedia);
  }

  /** Adds a piece; `last` when it is the rest of the file. */
  async add(bytes: Uint8Array, last: boolean): Promise<void> {
    if (last && this.#size === 0) this.#digest = hex(digestOf("sha256", bytes));
    else this.#hashed(bytes);
    this.#size += bytes.length;
    const file = this.#file;
    if (file === undefined) return;
    await this.#onMedia(() => writeAll(file, bytes, this.#size <= smallFile));
  }

  async finish(): Promise<GivenFile> {
    await this.#onMedia(async () => this.#close());
    const digest = this.#digest ?? this.#hashed(new Uint8Array(0)).digest("hex");
    return { names: this.#names, size: this.#size, digest };
  }

  abandon(): void {
    try {
      this.#close();
    } catch {
      // what it was abandoned for is the fault to tell
    }
  }

  #hashed(bytes: Uint8Array): Hash {
    this.#hash ??= createHash("sha256");
    return this.#hash.update(bytes);
  }

  #close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }
}

const writePiece = promisify(write);

async function writeAll(file: number, bytes: Uint8Array, small: boolean): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    if (small) at += writeSync(file, bytes, at, bytes.length - at);
    else at += (await writePiece(file, bytes, at, bytes.length - at, null)).bytesWritten;
  }
}

/** The folder that files are written to, made where it is missing; the last one is held open for the next file. */
export class WrittenFolders {
  readonly #top: number;
  #key = "";
  #open: number | undefined;

  /** `top` is an open folder, which stays the caller's. */
  constructor(top: number) {
    this.#top = top;
  }

  /** A descriptor of the folder some names below the top, good until the next call. */
  at(names: readonly string[]): number {
    const key = names.join("/");
    if (this.#open !== undefined && this.#key === key) return this.#open;
    this.close();
    this.#open = makeFolders(this.#top, names);
    this.#key = key;
    return this.#open;
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open);
    this.#open = undefined;
  }
}

/**
 * The first difference between a folder and what was given for it: a file that is missing, other, or one too many, unless there may be `more`.
 * Opens and reads everything again, but `without` these names; undefined when all is the same. Gives way to other work.
 */
export async function difference(
  folder: number,
  given: GivenFiles,
  { more, without }: { readonly more: boolean; readonly without: ReadonlySet<string> },
): Promise<string | undefined> {
  const folders = new OpenFolders(`/proc/self/fd/${folder}`);
  const giveWay = turns();
  try {
    for (const file of given) {
      await giveWay();
      const name = file.names.join("/");
      if (!without.has(name) && !(await isSame(folders, file))) return name;
    }
  } finally {
    folders.close();
  }
  if (more) return undefined;
  const count = await countFiles(folder, given.length, giveWay);
  return count === given.length ? undefined : "a file too many";
}

async function isSame(folders: OpenFolders, { names, size, digest }: GivenFile): Promise<boolean> {
  const folder = folders.at(names.slice(0, -1).join("/"));
  const file = folder === undefined ? undefined : openFileIn(folder, names.at(-1) as string);
  if (!file) return false;
  if (file.stat.size !== BigInt(size)) {
    closeSync(file.descriptor);
    return false;
  }
  const found = await digestFile(file, "sha256");
  return found.size === size && hex(found.digest) === digest;
}

/** Files below a folder; stops once there are more than `enough`. */
async function countFiles(folder: number, enough: number, giveWay: () => Promise<void>): Promise<number> {
  let count = 0;
  for (const name of namesIn(folder)) {
    if (count > enough) break;
    await giveWay();
    const inner = statIn(folder, name)?.isDirectory() ? openFolderIn(folder, name) : undefined;
    if (inner === undefined) count++;
    else {
      count += await countFiles(inner, enough - count, giveWay).finally(() => closeSync(inner));
    }
  }
  return count;
}

function makeFolders(folder: number, names: readonly string[]): number {
  let at = folder;
  for (const name of names) {
    try {
      const next = makeFolderIn(at, name);
      if (at !== folder) closeSync(at);
      at = next;
    } catch (fault) {
      if (at !== folder) closeSync(at);
      throw fault;
    }
  }
  return at === folder ? makeFolderIn(folder, ".") : at;
}
