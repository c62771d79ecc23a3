import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";

export const projectRoot = resolve(import.meta.dirname, "../..");

/** What is made here and never committed; `demo-out` is what people name the demo's `--out`. */
const notSource = new Set(["node_modules", ".cache", ".git", "coverage", "demo-out"]);

/** Folders that hold what is committed. A clone that was played in may hold others, which are the player's own. */
const committed = [
  ...["manifests", "host", "hardware", "media", "appliance", "ceremony", "desk", "ledger", "demo", "test"],
  ...["bin", "scripts", "docs", ".ci"],
];

/** Paths from the root of all files of these kinds that lie anywhere in the project, sorted. */
export function filesOfKind(kinds: RegExp): readonly string[] {
  return filesBelow(projectRoot).filter((path) => kinds.test(path));
}

/** Paths from the root of everything that is committed: all below the known folders, and the files at the root. */
export function committedFiles(): readonly string[] {
  const below = committed.map((folder) => join(projectRoot, folder)).filter((folder) => existsSync(folder));
  const atRoot = readdirSync(projectRoot, { withFileTypes: true }).filter((entry) => entry.isFile());
  const files = atRoot.map((entry) => entry.name).filter((name) => !name.endsWith(".log"));
  return [...files, ...below.flatMap(filesBelow)].sort();
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return notSource.has(entry.name) ? [] : filesBelow(path);
    return entry.isFile() ? [relative(projectRoot, path)] : [];
  });
}
