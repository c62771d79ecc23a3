// Ensures that the pinned Node starts: it needs two shared libraries that a bare machine may not have.

import { join } from "node:path";
import { attempt } from "./child.mjs";
import { installPackages, unpackPackages } from "./debian-packages.mjs";
import { cache, pinnedNode } from "./places.mjs";
import { withLibraries } from "./search-path.mjs";
import { progress, SetupStopped } from "./stop.mjs";
import { linkLibraries } from "./unpacked-tools.mjs";

const names = ["libatomic1", "libstdc++6"];

/** @returns {Promise<readonly string[]>} folders of libraries that it has to be started with */
export async function ensurePinnedNodeStarts() {
  if (await starts([])) return [];
  progress(`adding the libraries of Node 26 (${names.join(", ")})`);
  if ((await installPackages(names)) && (await starts([]))) return [];
  const unpacked = join(cache, "node-libraries");
  if (await unpackPackages(names, unpacked, "what-is-missing")) {
    const libraries = linkLibraries(unpacked);
    if (await starts(libraries)) return libraries;
  }
  throw new SetupStopped(`Node 26 does not start here: install ${names.join(" and ")}, then run this again`);
}

async function starts(libraries) {
  return (await attempt(pinnedNode, ["--version"], { env: withLibraries(process.env, libraries) })).ok;
}
