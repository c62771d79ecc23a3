// Debian packages: installed by apt as root, else unpacked into a folder of the project, which needs no rights at all.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "./child.mjs";
import { cache } from "./places.mjs";
import { findTool } from "./search-path.mjs";

const english = { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };
const systemLists = "/var/lib/apt/lists";

/** Where to look for package lists: the system's, or those of this project. @typedef {readonly string[]} Lists */

/** Installs packages on the system when this process may. @param {readonly string[]} names @returns {Promise<boolean>} */
export async function installPackages(names) {
  if (process.getuid?.() !== 0 || findTool("apt-get") === undefined) return false;
  const install = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "install", ...names];
  const run = async (args) => (await attempt("apt-get", args, { env: english })).ok;
  if (haveLists(systemLists) && (await run(install))) return true;
  // No package lists, or lists that are too old for the mirror; one source that is down must not spoil the others.
  await run(["-o", "DPkg::Lock::Timeout=300", "update"]);
  return run(install);
}

/**
 * Unpacks packages, with all that they need and the machine lacks, into a folder.
 * @param {readonly string[]} names @param {string} folder replaced as a whole, or left as it was
 * @param {"what-is-missing" | "everything"} closure everything: also what the machine has, for a sysroot that stands alone
 * @returns {Promise<boolean>}
 */
export async function unpackPackages(names, folder, closure) {
  if (findTool("apt-get") === undefined || findTool("dpkg-deb") === undefined) return false;
  if (haveLists(systemLists) && (await unpackWith([], names, folder, closure))) return true;
  return unpackWith(await ownLists(), names, folder, closure);
}

/** @param {Lists} lists */
async function unpackWith(lists, names, folder, closure) {
  const temporary = `${folder}.unpacking`;
  rmSync(temporary, { recursive: true, force: true });
  const archives = join(temporary, "archives");
  mkdirSync(archives, { recursive: true });
  const wanted = [...new Set([...names, ...(await needed(lists, names, closure))])];
  const downloaded = await attempt("apt-get", [...lists, "download", ...wanted], { cwd: archives, env: english });
  if (!downloaded.ok) return false;
  for (const archive of readdirSync(archives)) {
    if (!(await attempt("dpkg-deb", ["-x", join(archives, archive), temporary])).ok) return false;
  }
  rmSync(archives, { recursive: true });
  joinUsr(temporary);
  rmSync(folder, { recursive: true, force: true });
  renameSync(temporary, folder);
  return true;
}

/** The packages that apt would install for these; none when it cannot say. @param {Lists} lists */
async function needed(lists, names, closure) {
  const status = closure === "everything" ? ["-o", "Dir::State::status=/dev/null"] : [];
  const args = [...lists, ...status, "-s", "-y", "--no-install-recommends", "install", ...names];
  const simulated = await attempt("apt-get", args, { env: english });
  return simulated.ok ? [...simulated.output.matchAll(/^Inst (\S+)/gm)].map((found) => found[1]) : [];
}

/** Package lists fetched into the project's cache, where any user may write. @returns {Promise<Lists>} */
async function ownLists() {
  const lists = join(cache, "apt/lists");
  const archives = join(cache, "apt/cache");
  for (const folder of [lists, join(archives, "archives")]) mkdirSync(join(folder, "partial"), { recursive: true });
  const options = ["-o", `Dir::State::lists=${lists}`, "-o", `Dir::Cache=${archives}`];
  await attempt("apt-get", [...options, "update"], { env: english });
  return options;
}

function haveLists(folder) {
  return existsSync(folder) && readdirSync(folder).some((name) => /_Packages(\.\w+)?$/.test(name));
}

/** Releases that keep all of /lib in /usr/lib do so by links that their packages do not carry. */
function joinUsr(folder) {
  for (const name of ["bin", "lib", "lib64"]) {
    if (existsSync(join(folder, "usr", name)) && !existsSync(join(folder, name)))
      symlinkSync(`usr/${name}`, join(folder, name));
  }
}
