/** A hostile folder on a real file system. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Writes to an empty folder `root` what a file system can hold; some become links, or folders in the place of files. */
export function lay(root: string, files: ReadonlyMap<string, Uint8Array>): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const [path, bytes] of files) {
    const names = path.split("/");
    if (names.some((name) => name === "" || name === "." || name === ".." || name.includes("\0") || name.length > 80))
      continue;
    const at = join(root, path);
    try {
      mkdirSync(dirname(at), { recursive: true });
      if (bytes.length === 7) symlinkSync("/etc/passwd", at);
      else if (bytes.length === 9) mkdirSync(at);
      else writeFileSync(at, bytes);
    } catch {
      // a file stands where a folder would have to be, or the like: left out
    }
  }
}
