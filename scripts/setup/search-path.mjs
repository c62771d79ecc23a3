// The PATH and library path that set-up and everything it prepares for run with.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { compiledCode, packages, root, unpackedTools } from "./places.mjs";

/** The environment for programs that are run after set-up: unpacked tools and the pinned node first on the PATH, compiled code kept between starts. */
export function readyEnvironment() {
  const PATH = [unpackedTools, join(packages, ".bin"), outsidePath()].join(delimiter);
  return { NODE_COMPILE_CACHE: compiledCode, ...process.env, PATH };
}

/**
 * An environment with folders of shared libraries to look in first.
 * @param {NodeJS.ProcessEnv} environment @param {readonly string[]} libraryPaths @returns {NodeJS.ProcessEnv}
 */
export function withLibraries(environment, libraryPaths) {
  if (libraryPaths.length === 0) return environment;
  const before = environment.LD_LIBRARY_PATH ? [environment.LD_LIBRARY_PATH] : [];
  return { ...environment, LD_LIBRARY_PATH: [...libraryPaths, ...before].join(delimiter) };
}

/** The PATH without the folders of this project: npm puts the pinned node there, which `npm ci` is about to replace. */
export function outsidePath() {
  const folders = (process.env.PATH ?? "/usr/bin:/bin").split(delimiter);
  return folders.filter((folder) => folder !== "" && folder !== root && !folder.startsWith(`${root}/`)).join(delimiter);
}

/** The first executable of that name on a PATH, else undefined. @param {string} name @param {string} [path] */
export function findTool(name, path = outsidePath()) {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
