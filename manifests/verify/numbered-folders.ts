/** Folders of a bundle that hold a thousand files each (`seals/0000/…`): what is expected there, and what lies there besides. */

import type { Findings } from "./findings.ts";
import type { BundleSource } from "./source.ts";

export interface FolderWork {
  readonly source: BundleSource;
  readonly findings: Findings;
}

/** Holds the names of one folder at a time; what was not expected there is found when it is left. */
export class NumberedFolders {
  readonly #work: FolderWork;
  readonly #root: string;
  readonly #seen: Set<string>;
  /** path of the folder that was expected last, with "/" */
  #folder: string | undefined;
  #names = new Set<string>();

  /** `beside`: names that may stand beside the numbered folders. */
  constructor(work: FolderWork, root: string, beside: readonly string[] = []) {
    this.#work = work;
    this.#root = root;
    this.#seen = new Set(beside);
  }

  /** Expects the next file, in the order of the folders; gives whether it is there. */
  async expect(path: string): Promise<boolean> {
    if (this.#folder === undefined || !path.startsWith(this.#folder)) {
      this.#leave();
      const folder = path.slice(0, path.lastIndexOf("/"));
      this.#folder = `${folder}/`;
      this.#seen.add(folder.slice(this.#root.length + 1));
      this.#names = new Set(await listOrNone(this.#work, folder));
    }
    return this.#names.delete(path.slice(this.#folder.length));
  }

  /** Call once, after the last. */
  async end(): Promise<void> {
    this.#leave();
    for (const folder of await listOrNone(this.#work, this.#root)) {
      if (!this.#seen.has(folder)) {
        this.#work.findings.add(`${this.#root}/${folder}`, "BUNDLE-FORM", "nothing covers this");
      }
    }
  }

  #leave(): void {
    for (const name of this.#names) {
      this.#work.findings.add(`${this.#folder}${name}`, "BUNDLE-FORM", "nothing covers this file");
    }
    this.#names.clear();
  }
}

/** The names in a folder; none, and a finding, where it cannot be listed. */
export async function listOrNone({ source, findings }: FolderWork, folder: string): Promise<readonly string[]> {
  return (await findings.check(folder, () => source.list(folder))) ?? [];
}
