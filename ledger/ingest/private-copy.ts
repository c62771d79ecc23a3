/**
 * One private copy of what a stick has of a manifest: what is verified is what is stored, whatever happens to the stick meanwhile. No link is followed, only
 * regular files are opened, and what it may hold is bounded in count and bytes before anything of it is read. Seals, which are small and many, stand packed in
 * one file: to make, open and remove each by itself took longer than to verify it.
 */

import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  kindOf,
  namesIn,
  type OpenFile,
  openFileIn,
  openFolderBelow,
  openFolderIn,
  openRoot,
  statIn,
} from "../../host/no-follow.ts";
import type { BundlePlace } from "../../host/packed-bundle.ts";
import { Packer } from "../../host/packed-files.ts";
import { readPieces, readWhole, smallFile, turns } from "../../host/read-file.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";

const KiB = 1 << 10;
const MiB = 1 << 20;

/** Files by name, with the most bytes that each may have. */
const rootFiles: Readonly<Record<string, number>> = {
  "manifest.p7m": MiB,
  "authorization.p7m": MiB,
  "batch.p7m": 256 * MiB,
  "documents.jsonl": 512 * MiB,
  "local-time.tst": MiB,
};

/** Folders by name: most bytes of a file, most entries, whether they lie in folders of a thousand, and whether they are packed. */
interface FolderRule {
  readonly bytes: number;
  readonly most: number;
  readonly deep?: true;
  /** `bytes` are not more than `smallFile` */
  readonly packed?: true;
}

const rootFolders: Readonly<Record<string, FolderRule>> = {
  policy: { bytes: MiB, most: 9999 },
  certificates: { bytes: 64 * KiB, most: 32 },
  revocation: { bytes: 64 * MiB, most: 256 },
  evidence: { bytes: 64 * MiB, most: 1000 },
  seals: { bytes: smallFile, most: 1000, deep: true, packed: true },
  envelopes: { bytes: 256 * MiB, most: 1001, deep: true },
};

/** Documents themselves are nobody's business here; the verifier takes a bundle without them. */
const leftOut = "documents";
/** Beside a number of the keeper's stick, as beside a bundle at the desk, somebody may have put something. */
const mostBytes = 8 * 1024 * MiB;
const mostFolders = 10_000;

/** `place`: where the copy stands, as any thread can open it. */
export interface Copied {
  readonly files: number;
  readonly bytes: number;
  readonly place: BundlePlace;
}

/**
 * Copies the record in the folder `place` below `root` into the folder `target`, which is not there yet. Not durable: whoever is interrupted begins anew. Of `names` only those
 * are taken where they are given. Refuses with MEDIA-KIND links and what is no file, BUNDLE-FORM what has no place in a bundle, MEDIA-LIMIT, MEDIA-READ, MEDIA-CHANGED, STORE.
 */
export async function copyRecord(
  root: string,
  place: string,
  target: string,
  names?: readonly string[],
): Promise<Copied> {
  const top = openRoot(root);
  try {
    const from = openFolderBelow(top, place === "" ? [] : place.split("/"));
    if (from === undefined) throw vanished(place);
    try {
      return await new Copier(target).copy(from, names);
    } finally {
      closeSync(from);
    }
  } catch (fault) {
    await rm(target, { recursive: true, force: true }).catch(() => undefined);
    throw fault;
  } finally {
    closeSync(top);
  }
}

class Copier {
  /** of files as they are */
  readonly #target: string;
  /** of those that are packed */
  readonly #pack: string;
  readonly #giveWay = turns();
  readonly #memory = new Uint8Array(smallFile + 1);
  #packer: Packer | undefined;
  #files = 0;
  #bytes = 0;

  constructor(target: string) {
    stored(target, () => mkdirSync(target, { mode: 0o700 }));
    this.#target = join(target, "files");
    this.#pack = join(target, "packed");
  }

  async copy(from: number, wanted: readonly string[] | undefined): Promise<Copied> {
    try {
      await this.#all(from, wanted);
    } finally {
      this.#packer?.close();
    }
    const packed = this.#packer?.packed;
    const place = { folder: this.#target, ...(packed === undefined ? {} : { packed }) };
    return { files: this.#files, bytes: this.#bytes, place };
  }

  async #all(from: number, wanted: readonly string[] | undefined): Promise<void> {
    stored(this.#target, () => mkdirSync(this.#target, { mode: 0o700 }));
    for (const name of bounded(from, 1000)) {
      if (name === leftOut || (wanted && !wanted.includes(name))) continue;
      const limit = own(rootFiles, name);
      const folder = own(rootFolders, name);
      if (limit !== undefined) await this.#file(from, name, name, limit);
      else if (folder) await this.#folder(from, name, name, folder);
      else throw new Refusal("BUNDLE-FORM", `${shown(name)} has no place in a bundle`, { about: name });
    }
  }

  async #folder(from: number, name: string, path: string, rule: FolderRule): Promise<void> {
    const folder = openFolderIn(from, name);
    if (folder === undefined) throw vanished(path);
    try {
      const files: string[] = [];
      const folders: string[] = [];
      for (const inner of bounded(folder, rule.deep ? mostFolders : rule.most)) {
        const stat = rule.deep && statIn(folder, inner);
        (stat && kindOf(stat) === "folder" ? folders : files).push(inner);
      }
      if (rule.packed) await this.#packed(folder, files, path, rule.bytes);
      else {
        const at = join(this.#target, path);
        stored(at, () => mkdirSync(at, { mode: 0o700 }));
        for (const inner of files) await this.#file(folder, inner, `${path}/${inner}`, rule.bytes);
      }
      const { deep: _, ...below } = rule;
      for (const inner of folders) await this.#folder(folder, inner, `${path}/${inner}`, below);
    } finally {
      closeSync(folder);
    }
  }

  /** In the order of their names, which is that in which they are read again. */
  async #packed(from: number, names: readonly string[], path: string, limit: number): Promise<void> {
    this.#packer ??= stored(path, () => new Packer(this.#pack, smallFile));
    const folder = this.#packer.folder(path);
    for (const name of names.toSorted()) {
      await this.#giveWay();
      const file = this.#open(from, name, `${path}/${name}`, limit);
      stored(path, () => folder.add(name, (into) => small(file, `${path}/${name}`, into)));
    }
    stored(path, () => folder.end());
  }

  /** Refuses what is larger than it may be. */
  #open(from: number, name: string, path: string, limit: number): OpenFile {
    const file = openFileIn(from, name);
    if (!file) throw vanished(path);
    const { size } = file.stat;
    if (size > BigInt(limit) || this.#bytes + Number(size) > mostBytes) {
      closeSync(file.descriptor);
      const expected = `${Math.min(limit, mostBytes - this.#bytes)} bytes`;
      throw new Refusal("MEDIA-LIMIT", `${shown(path)} is too large`, { expected, got: `${size} bytes`, about: path });
    }
    this.#files += 1;
    this.#bytes += Number(size);
    return file;
  }

  async #file(from: number, name: string, path: string, limit: number): Promise<void> {
    await this.#giveWay();
    const file = this.#open(from, name, path, limit);
    const { size } = file.stat;
    const to = stored(path, () => openSync(join(this.#target, path), "wx", 0o600));
    try {
      if (size <= BigInt(smallFile)) this.#write(to, small(file, path, this.#memory), path);
      else {
        let left = Number(size);
        for await (const piece of reading(file, path)) {
          left -= piece.length;
          if (left < 0) throw grew(path);
          this.#write(to, piece, path);
        }
      }
    } finally {
      closeSync(to);
    }
  }

  #write(to: number, bytes: Uint8Array, path: string): void {
    stored(path, () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(to, bytes, at);
    });
  }
}

/** The bytes of a small file, in the memory that is given. */
function small(file: OpenFile, path: string, into: Uint8Array): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readWhole(file, smallFile, into);
  } catch (cause) {
    throw unread(path, cause);
  }
  if (!bytes) throw grew(path);
  return bytes;
}

async function* reading(file: OpenFile, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* readPieces(file);
  } catch (cause) {
    throw unread(path, cause);
  }
}

/** The names in a folder, not more than `most`. */
function* bounded(folder: number, most: number): Generator<string> {
  let count = 0;
  for (const name of namesIn(folder)) {
    if (++count > most)
      throw new Refusal("MEDIA-LIMIT", "a folder of a bundle holds too much", { expected: `at most ${most}` });
    yield name;
  }
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function stored<T>(path: string, work: () => T): T {
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

function unread(path: string, cause: unknown): Refusal {
  return new Refusal("MEDIA-READ", `${shown(path)} cannot be read`, { about: path, cause });
}

function grew(path: string): Refusal {
  return new Refusal("MEDIA-CHANGED", `${shown(path)} grew while it was read`, { about: path });
}

function vanished(path: string): Refusal {
  return new Refusal("MEDIA-CHANGED", `${shown(path)} vanished while the stick was read`, { about: path });
}
