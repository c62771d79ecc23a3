// Ensures that the one native addon without prebuilt binaries, pkcs11js, is compiled and loads in the pinned Node.

import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt } from "./child.mjs";
import { ensureCompiler } from "./compiler.mjs";
import { lastLines, npm } from "./npm-packages.mjs";
import { nativeAddon, nativePackage, pinnedNode, pinnedNodeFolder } from "./places.mjs";
import { progress, SetupStopped } from "./stop.mjs";

export async function ensureNativeAddon() {
  if (existsSync(nativeAddon) && (await loads())) return;
  const compiler = await ensureCompiler();
  progress(`compiling ${nativePackage} (about 5 s)`);
  const { ok, output } = await compile(compiler);
  if (!ok) throw new SetupStopped(`${nativePackage} cannot be compiled here:\n${lastLines(output)}`);
  if (!(await loads())) throw new SetupStopped(`${nativePackage} was compiled but does not load in Node 26`);
}

async function loads() {
  return (await attempt(pinnedNode, ["-e", `require(${JSON.stringify(nativeAddon)})`])).ok;
}

/**
 * npm's own way, with the headers of the pinned Node by a path without spaces: node-gyp does not quote them for make.
 * @param {NodeJS.ProcessEnv} environment @param {string} [where] the folder of node_modules; the project's own unless said
 */
export async function compile(environment, where) {
  const folder = mkdtempSync(join(tmpdir(), "coldseal-headers-"));
  const headers = join(folder, "node");
  try {
    symlinkSync(pinnedNodeFolder, headers);
    const env = { ...environment, npm_config_nodedir: headers };
    return await npm(["rebuild", "--ignore-scripts=false", nativePackage], env, where);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
