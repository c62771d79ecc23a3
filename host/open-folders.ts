/** Folders below one root, each opened once and kept for the next file in it: no path is walked for every file. */

import { closeSync } from "node:fs";
import { entriesIn, openFolderIn, openRoot } from "./no-follow.ts";

/** The folders of a path, and one or two more. */
const mostOpen = 8;
/** From so many files on a folder is listed once, instead of each file being looked at before it is opened. */
const manyFiles = 32;
/** Most names of a listing that are held. */
const mostNames = 20_000;

interface OpenFolder {
  readonly descriptor: number;
  /** files that were asked for before it was listed */
  asked: number;
  /** names of its regular files, once it is listed */
  plain: ReadonlySet<string> | undefined;
}

/** Where a file is. */
export interface HoldingFolder {
  readonly descriptor: number;
  /** whether the folder was listed, by `names` or as many of its files had been asked for, and a regular file had this name */
  readonly listed: boolean;
}

export class OpenFolders {
  readonly #path: string;
  /** by path below the root, the root under "" */
  readonly #open = new Map<string, OpenFolder>();

  /** Nothing is opened before it is asked for. `path` is trusted as named. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * A descriptor of the folder at a path below the root ("" is the root), good until the next call; undefined when it is not there. What
   * is renamed or replaced after it was opened is not noticed. Refuses as `openRoot` and `openFolderIn` do.
   */
  at(path: string): number | undefined {
    return this.#at(path)?.descriptor;
  }

  /** The folder at a path, as `at` gives it, for the file `name` in it. */
  holding(path: string, name: string): HoldingFolder | undefined {
    const folder = this.#at(path);
    if (folder === undefined) return undefined;
    if (folder.plain === undefined && ++folder.asked === manyFiles) listPlain(folder);
    return { descriptor: folder.descriptor, listed: folder.plain?.has(name) ?? false };
  }

  /** What stands in the folder at a path, by name, in the order of the file system; nothing when it is not there. Refuses as `at`, and MEDIA-READ. */
  *names(path: string): Generator<string> {
    const folder = this.#at(path);
    if (folder !== undefined) yield* namesOf(folder);
  }

  #at(path: string): OpenFolder | undefined {
    const held = this.#open.get(path);
    if (held !== undefined) return held;
    if (this.#open.size >= mostOpen) this.close();
    const descriptor = path === "" ? openRoot(this.#path) : this.#below(parentOf(path));
    if (descriptor === undefined) return undefined;
    const opened: OpenFolder = { descriptor, asked: 0, plain: undefined };
    this.#open.set(path, opened);
    return opened;
  }

  #below({ folder, name }: PlaceOf): number | undefined {
    const above = this.at(folder);
    return above === undefined ? undefined : openFolderIn(above, name);
  }

  /** Closes what is open; it may be used again. Idempotent. */
  close(): void {
    for (const { descriptor } of this.#open.values()) closeSync(descriptor);
    this.#open.clear();
  }
}

export interface PlaceOf {
  readonly folder: string;
  readonly name: string;
}

/** The folder that a path is in, and its name there. */
export function parentOf(path: string): PlaceOf {
  const slash = path.lastIndexOf("/");
  return { folder: slash === -1 ? "" : path.slice(0, slash), name: path.slice(slash + 1) };
}

/** Lists a folder, and holds its regular files: where they are too many, or it was not listed to its end, each is looked at by itself. */
function* namesOf(folder: OpenFolder): Generator<string> {
  folder.plain = undefined;
  const plain = new Set<string>();
  for (const entry of entriesIn(folder.descriptor)) {
    if (entry.isFile() && plain.size <= mostNames) plain.add(entry.name);
    yield entry.name;
  }
  if (plain.size <= mostNames) folder.plain = plain;
}

/** One that cannot be listed, or holds too much, stays as it was; nothing of it is read beyond that. */
function listPlain(folder: OpenFolder): void {
  let listed = 0;
  try {
    for (const _ of namesOf(folder)) if (++listed > mostNames) return;
  } catch {
    // who reads a file in it is told what is wrong
  }
}
