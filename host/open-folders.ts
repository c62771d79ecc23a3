/** Folders below one root, each opened once and kept for the next file in it: no path is walked for every file. */

import { closeSync } from "node:fs";
import { openFolderIn, openRoot } from "./no-follow.ts";

/** The folders of a path, and one or two more. */
const mostOpen = 8;

export class OpenFolders {
  readonly #path: string;
  /** by path below the root, the root under "" */
  readonly #open = new Map<string, number>();

  /** Nothing is opened before it is asked for. `path` is trusted as named. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * A descriptor of the folder some names below the root, good until the next call; undefined when it is not there. What is renamed or
   * replaced after it was opened is not noticed. Refuses as `openRoot` and `openFolderIn` do.
   */
  at(names: readonly string[]): number | undefined {
    const key = names.join("/");
    const held = this.#open.get(key);
    if (held !== undefined) return held;
    if (this.#open.size >= mostOpen) this.close();
    const above = names.length === 0 ? undefined : this.at(names.slice(0, -1));
    if (names.length > 0 && above === undefined) return undefined;
    const opened = above === undefined ? openRoot(this.#path) : openFolderIn(above, names.at(-1) as string);
    if (opened !== undefined) this.#open.set(key, opened);
    return opened;
  }

  /** Closes what is open; it may be used again. Idempotent. */
  close(): void {
    for (const descriptor of this.#open.values()) closeSync(descriptor);
    this.#open.clear();
  }
}
