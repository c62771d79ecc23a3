/** Writes the package's files below a folder, with the modes and times that every build gives them, and says what was written. */

import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Refusal } from "../../manifests/refusal.ts";
import type { Entry } from "./entry.ts";
import type { ListedFile, ListedLink } from "./file-list.ts";

export interface Written {
  readonly files: readonly (ListedFile & { readonly md5: string })[];
  readonly links: readonly ListedLink[];
}

/** Refuses with CONFIG two entries of one path. */
export function writeTree(folder: string, entries: readonly Entry[]): Written {
  const files: Written["files"][number][] = [];
  const links: ListedLink[] = [];
  const taken = new Set<string>();
  for (const entry of [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const { path, executable, content } = entry;
    if (taken.has(path)) throw new Refusal("CONFIG", "two things of the package have one path", { about: path });
    taken.add(path);
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    if (content.kind === "link") {
      symlinkSync(content.to, at);
      links.push({ path, to: content.to });
      continue;
    }
    if (content.kind === "file") copyFileSync(content.from, at);
    else writeFileSync(at, content.bytes);
    chmodSync(at, executable ? 0o755 : 0o644);
    const bytes = readFileSync(at);
    const digest = (name: string) => createHash(name).update(bytes).digest("hex");
    files.push({ path, executable, sha256: digest("sha256"), md5: digest("md5"), size: bytes.length });
  }
  return { files, links };
}

/** Every folder 0755, and every time that of the build: to be called last. */
export function settle(folder: string, epoch: number): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) settle(path, epoch);
    else lutimesSync(path, epoch, epoch);
  }
  chmodSync(folder, 0o755);
  lutimesSync(folder, epoch, epoch);
}

/** KiB as dpkg counts them (Debian Policy 5.6.20): each file rounded up, one for each link and folder. */
export function installedSize({ files, links }: Written): number {
  const folders = new Set<string>();
  for (const { path } of [...files, ...links]) {
    for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(at);
  }
  return files.reduce((sum, { size }) => sum + Math.ceil(size / 1024), links.length + folders.size);
}
