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
    const [, folder, name] = path.split("/") as [string, string, string];
    if (folder !== this.#folder) {
      this.#leave();
      this.#folder = folder;
      this.#seen.add(folder);
      this.#names = new Set(await listOrNone(this.#work, `${this.#root}/${folder}`));
    }
    return this.#names.delete(name);
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
      this.#work.findings.add(`${this.#root}/${this.#folder}/${name}`, "BUNDLE-FORM", "nothing covers this file");
    }
    this.#names.clear();
  }
}

/** The names in a folder; none, and a finding, where it cannot be listed. */
export async function listOrNone({ source, findings }: FolderWork, folder: string): Promise<readonly string[]> {
  return (await findings.check(folder, () => source.list(folder))) ?? [];
}
