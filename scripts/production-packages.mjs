// `node scripts/production-packages.mjs FOLDER`: puts the production packages into FOLDER/node_modules, exactly those of the lock file
// and by its digests, whatever lies in this clone's node_modules; the native addon compiled so that no path or time is in it.

import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensureCompiler } from "./setup/compiler.mjs";
import { compile } from "./setup/native-addon.mjs";
import { lastLines, npm } from "./setup/npm-packages.mjs";
import { nativePackage, root } from "./setup/places.mjs";
import { SetupStopped } from "./setup/stop.mjs";

/** What the compiler takes for the folder that it compiles in. */
const namedFolder = "/usr/src/coldseal";

try {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new SetupStopped("usage: node scripts/production-packages.mjs FOLDER");
  await fill(resolve(folder));
} catch (error) {
  if (!(error instanceof SetupStopped)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function fill(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) copyFileSync(join(root, name), join(folder, name));
  const ci = [
    "ci",
    "--omit=dev",
    // The ledger is a workspace, and no part of a box.
    "--workspaces=false",
    "--include=optional",
    "--ignore-scripts",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
  ];
  const fetched = await npm(ci, undefined, folder);
  if (!fetched.ok) {
    throw new SetupStopped(`npm ci failed, is the package registry within reach?\n${lastLines(fetched.output)}`);
  }
  const compiler = await ensureCompiler();
  // -s leaves out symbols; the id of the build stays, a digest over what is linked.
  const flags = `-ffile-prefix-map=${folder}=${namedFolder}`;
  const environment = { ...compiler, CFLAGS: flags, CXXFLAGS: flags, LDFLAGS: "-Wl,-s" };
  const { ok, output } = await compile(environment, folder);
  if (!ok) throw new SetupStopped(`${nativePackage} cannot be compiled here:\n${lastLines(output)}`);
}
