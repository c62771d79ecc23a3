// Makes unpacked programs and modules find unpacked libraries by themselves, whatever environment they are started in:
// processes of the project start others with nothing but a PATH.

import { chmodSync, copyFileSync, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { attempt } from "./child.mjs";
import { unpackPackages } from "./debian-packages.mjs";
import { cache } from "./places.mjs";
import { withLibraries } from "./search-path.mjs";
import { linkLibraries } from "./unpacked-tools.mjs";

const unpacked = join(cache, "patchelf");
const patchelf = join(unpacked, "usr/bin/patchelf");

/**
 * Writes the libraries' folder into an ELF file as its search path, relative to the file; replaces the file as a whole.
 * @param {string} file @param {string} folder @returns {Promise<boolean>} whether it could be done
 */
export async function bindLibraries(file, folder) {
  if (!existsSync(patchelf) && !(await unpackPackages(["patchelf"], unpacked, "what-is-missing"))) return false;
  const temporary = `${file}.binding`;
  copyFileSync(file, temporary);
  chmodSync(temporary, statSync(file).mode | 0o200);
  const searchPath = `$ORIGIN/${relative(dirname(file), folder)}`;
  const env = withLibraries(process.env, linkLibraries(unpacked));
  // The older kind of search path: it also holds for what the libraries need themselves.
  const { ok } = await attempt(patchelf, ["--force-rpath", "--set-rpath", searchPath, temporary], { env });
  if (ok) renameSync(temporary, file);
  else rmSync(temporary, { force: true });
  return ok;
}
