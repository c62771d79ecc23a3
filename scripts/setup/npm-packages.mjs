// Ensures that node_modules holds exactly what the lock file says, the pinned Node among it.

import { accessSync, constants, existsSync, lstatSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { attempt } from "./child.mjs";
import { cache, packages, pinnedNode, root } from "./places.mjs";
import { findTool, outsidePath } from "./search-path.mjs";
import { progress, SetupStopped } from "./stop.mjs";

/** Nothing is run from the packages here: the one install script that is needed runs in native-addon.mjs. */
export async function ensureNpmPackages() {
  if (installedAsLocked() && existsSync(pinnedNode)) return;
  if (lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new SetupStopped(
      `${packages} is a link, and npm would empty the folder that it leads to: take the link away`,
    );
  }
  progress("fetching the npm packages of the lock file (about 20 s)");
  const { ok, output } = await npm(["ci", "--ignore-scripts", "--include=dev", "--include=optional"]);
  if (!ok) throw new SetupStopped(`npm ci failed, is the package registry within reach?\n${lastLines(output)}`);
  if (!existsSync(pinnedNode)) {
    throw new SetupStopped(
      `there is no pinned Node for ${process.platform}-${process.arch}: use Linux on x64 or arm64`,
    );
  }
}

/**
 * Runs npm quietly in the project, or in a folder made from it, with a node that is not the project's own.
 * @param {readonly string[]} args @param {NodeJS.ProcessEnv} [environment] @param {string} [folder]
 */
export function npm(args, environment = { ...process.env, PATH: outsidePath() }, folder = root) {
  const env = { ...environment, npm_config_loglevel: "error", ...cacheThatCanBeWritten() };
  const started = process.env.npm_execpath;
  const node = findTool("node", outsidePath());
  if (started?.endsWith("npm-cli.js") && node !== undefined && !started.startsWith(`${root}/`) && existsSync(started)) {
    return attempt(node, [started, ...args], { cwd: folder, env });
  }
  const found = findTool("npm", outsidePath());
  if (found === undefined) throw new SetupStopped("npm is not on the PATH: install it (Debian: apt-get install npm)");
  return attempt(found, args, { cwd: folder, env });
}

/** The end of a tool's output, for people. @param {string} output */
export function lastLines(output) {
  return output.trimEnd().split("\n").slice(-12).join("\n");
}

/** Compares with npm's own record of what it installed, so that packages installed by hand are not fetched again. */
function installedAsLocked() {
  const locked = lockedPackages(join(root, "package-lock.json"));
  const installed = lockedPackages(join(packages, ".package-lock.json"));
  if (locked === undefined || installed === undefined) return false;
  const paths = new Set([...Object.keys(locked), ...Object.keys(installed)]);
  paths.delete("");
  return [...paths].every((path) => {
    if (installed[path] === undefined) return locked[path].optional === true;
    return installed[path].version === locked[path]?.version && installed[path].integrity === locked[path]?.integrity;
  });
}

/** @returns {Record<string, {version: string, integrity: string, optional?: boolean}> | undefined} */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Users without a home folder of their own get npm's cache in the project. */
function cacheThatCanBeWritten() {
  const usual = process.env.npm_config_cache ?? join(homedir(), ".npm");
  return canBeWritten(usual) ? {} : { npm_config_cache: join(cache, "npm") };
}

/** Whether a folder can be written, or made. @param {string} folder @returns {boolean} */
function canBeWritten(folder) {
  if (!existsSync(folder)) return folder !== dirname(folder) && canBeWritten(dirname(folder));
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
