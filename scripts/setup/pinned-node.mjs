// Ensures that the pinned Node starts: it needs two shared libraries that a bare machine may not have.

import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { bindLibraries } from "./bound-libraries.mjs";
import { attempt } from "./child.mjs";
import { installPackages, unpackPackages } from "./debian-packages.mjs";
import { cache, pinnedNode, pinnedNodeFolder } from "./places.mjs";
import { progress, SetupStopped } from "./stop.mjs";
import { linkLibraries } from "./unpacked-tools.mjs";

const names = ["libatomic1", "libstdc++6"];
const unpacked = join(cache, "node-libraries");
const beside = join(pinnedNodeFolder, "lib");

/** @returns {Promise<string | null>} the folder of libraries that was put beside it, null where it needs none */
export async function ensurePinnedNodeStarts() {
  if (await starts()) return existsSync(beside) ? beside : null;
  progress(`adding the libraries of Node 26 (${names.join(", ")})`);
  if ((await installPackages(names)) && (await starts())) return null;
  if ((await unpackPackages(names, unpacked, "what-is-missing")) && (await bindBeside()) && (await starts()))
    return beside;
  throw new SetupStopped(`Node 26 does not start here: install ${names.join(" and ")}, then run this again`);
}

async function starts() {
  return (await attempt(pinnedNode, ["--version"])).ok;
}

function bindBeside() {
  for (const folder of linkLibraries(unpacked)) {
    for (const name of readdirSync(folder)) cpSync(join(folder, name), join(beside, name), { dereference: true });
  }
  return bindLibraries(pinnedNode, beside);
}
