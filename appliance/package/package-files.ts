/** The npm packages and the Node of a box, as entries of the package. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { copied, type Entry, productFolder } from "./entry.ts";
import { isLeftOut, type LockedPackage } from "./production.ts";

/** `fetched`: the folder that scripts/production-packages.mjs filled. */
export function packageEntries(fetched: string, packages: readonly LockedPackage[], arch: string): readonly Entry[] {
  return packages.flatMap(({ path, name }) =>
    filesBelow(join(fetched, path))
      .filter((file) => !isLeftOut(name, file, arch))
      .map((file) => copied(`${productFolder}/${path}/${file}`, join(fetched, path, file))),
  );
}

/** The program alone, as the npm package has it, with its licence: no headers, no npm. */
export function nodeEntries(fetched: string, { path }: LockedPackage): readonly Entry[] {
  return [
    copied(`${productFolder}/node/bin/node`, nodeProgram(fetched, path), true),
    copied(`${productFolder}/node/LICENSE`, join(fetched, path, "LICENSE")),
  ];
}

/** The Node that the package brings, on the machine that builds. */
export function nodeProgram(fetched: string, path: string): string {
  return join(fetched, path, "bin/node");
}

function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
