/** The paths of a container as folders: what stands where, and which paths are one, or file and folder at once, on some file system. */

export class PathTree {
  readonly #names = new Map<string, string[]>();
  /** every path and every folder above one, by their keys */
  readonly #keys = new Set<string>();
  readonly #folders = new Set<string>();

  /** Takes a path in. False when two paths, or folders above them, that are not the same have one `key`, or a file is a folder too. */
  add(path: string, key: (name: string) => string): boolean {
    const steps = path.split("/");
    for (let depth = 1; depth <= steps.length; depth++) {
      const at = steps.slice(0, depth).join("/");
      const isFile = depth === steps.length;
      if (!isFile && this.#folders.has(at)) continue;
      if (this.#keys.has(key(at))) return false;
      this.#keys.add(key(at));
      const above = steps.slice(0, depth - 1).join("/");
      const names = this.#names.get(above);
      if (names) names.push(steps[depth - 1] as string);
      else this.#names.set(above, [steps[depth - 1] as string]);
      if (!isFile) this.#folders.add(at);
    }
    return true;
  }

  /** Names directly in a folder; none where there is no such folder. */
  list(folder: string): readonly string[] {
    return this.#names.get(folder) ?? [];
  }
}
