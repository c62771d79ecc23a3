/** The npm packages and the Node of a box, as entries of the package. */

import { join } from "node:path";
import { copied, type Entry, productFolder } from "./entry.ts";
import { filesBelow } from "./files-below.ts";
import { isLeftOut, type LockedPackage } from "./production.ts";

/** `fetched`: the folder that scripts/production-packages.mjs filled. */
export function packageEntries(fetched: string, packages: readonly LockedPackage[], arch: string): readonly Entry[] {
  return packages.flatMap(({ path, name }) =>
    filesBelow(join(fetched, path), (entry) => entry.isFile())
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
