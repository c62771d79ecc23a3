/** Folders below one root, each opened once and kept for the next file in it: no path is walked for every file. */

import { closeSync } from "node:fs";
import { entriesIn, openFolderIn, openRoot } from "./no-follow.ts";

/** The folders of a path, and one or two more. */
const mostOpen = 8;
/** From so many files on a folder is listed once, instead of each file being looked at before it is opened. */
const manyFiles = 32;
/** Most names of a listing that is held. */
const mostNames = 20_000;

interface OpenFolder {
  readonly descriptor: number;
  /** files that were asked for */
  asked: number;
  /** names of its regular files, once it is listed */
  plain: ReadonlySet<string> | undefined;
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
   * A descriptor of the folder some names below the root, good until the next call; undefined when it is not there. What is renamed or
   * replaced after it was opened is not noticed. Refuses as `openRoot` and `openFolderIn` do.
   */
  at(names: readonly string[]): number | undefined {
    return this.#at(names)?.descriptor;
  }

  /** The folder that the file some names below the root is in, as `at` gives it, and whether it was listed as a regular file when many files of that folder had been asked for. */
  holding(names: readonly string[]): { readonly folder: number; readonly listed: boolean } | undefined {
    const folder = this.#at(names.slice(0, -1));
    if (folder === undefined) return undefined;
    if (++folder.asked === manyFiles) folder.plain = plainFilesIn(folder.descriptor);
    return { folder: folder.descriptor, listed: folder.plain?.has(names.at(-1) as string) ?? false };
  }

  #at(names: readonly string[]): OpenFolder | undefined {
    const key = names.join("/");
    const held = this.#open.get(key);
    if (held !== undefined) return held;
    if (this.#open.size >= mostOpen) this.close();
    const above = names.length === 0 ? undefined : this.at(names.slice(0, -1));
    if (names.length > 0 && above === undefined) return undefined;
    const descriptor = above === undefined ? openRoot(this.#path) : openFolderIn(above, names.at(-1) as string);
    if (descriptor === undefined) return undefined;
    const opened: OpenFolder = { descriptor, asked: 0, plain: undefined };
    this.#open.set(key, opened);
    return opened;
  }

  /** Closes what is open; it may be used again. Idempotent. */
  close(): void {
    for (const { descriptor } of this.#open.values()) closeSync(descriptor);
    this.#open.clear();
  }
}

/** None where they are too many, or cannot be listed: each file is looked at by itself then. */
function plainFilesIn(folder: number): ReadonlySet<string> | undefined {
  const plain = new Set<string>();
  try {
    for (const entry of entriesIn(folder)) {
      if (entry.isFile()) plain.add(entry.name);
      if (plain.size > mostNames) return undefined;
    }
  } catch {
    return undefined;
  }
  return plain;
}
