// Ensures SoftHSM 2, the software token that the demo and the tests use in place of an HSM.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bindLibraries } from "./bound-libraries.mjs";
import { attempt } from "./child.mjs";
import { installPackages, unpackPackages } from "./debian-packages.mjs";
import { cache, unpackedTools } from "./places.mjs";
import { findTool } from "./search-path.mjs";
import { progress, SetupStopped } from "./stop.mjs";
import { linkLibraries, triplet, writeWrapper } from "./unpacked-tools.mjs";

const names = ["softhsm2", "libsofthsm2", "softhsm2-common"];
const unpacked = join(cache, "softhsm");

/** @typedef {{softhsmModule: string, softhsmUtil: string | null}} FoundSoftHsm */

/** @returns {Promise<FoundSoftHsm>} */
export async function ensureSoftHsm() {
  const found = (await chosenByUser()) ?? (await onTheMachine()) ?? (await unpackedHere());
  if (found !== undefined) return found;
  progress("adding SoftHSM 2");
  const installed = (await installPackages(names)) ? await onTheMachine() : undefined;
  if (installed !== undefined) return installed;
  const unpackedNow = (await unpackPackages(names, unpacked, "what-is-missing")) ? await unpackedHere() : undefined;
  if (unpackedNow !== undefined) return unpackedNow;
  throw new SetupStopped("SoftHSM 2 is missing: install it (Debian: apt-get install softhsm2), then run this again");
}

/** COLDSEAL_SOFTHSM_MODULE names a module in an unusual place. */
async function chosenByUser() {
  const module = process.env.COLDSEAL_SOFTHSM_MODULE;
  if (!module) return undefined;
  if (!existsSync(module)) throw new SetupStopped(`COLDSEAL_SOFTHSM_MODULE names ${module}, which is not there`);
  return { softhsmModule: module, softhsmUtil: findTool("softhsm2-util") ?? null };
}

async function onTheMachine() {
  const folders = ["/usr/lib", `/usr/lib/${triplet()}`, "/usr/lib64", "/usr/local/lib", "/usr/lib64/pkcs11"];
  const modules = folders.flatMap((folder) => [join(folder, "softhsm/libsofthsm2.so"), join(folder, "libsofthsm2.so")]);
  const util = findTool("softhsm2-util");
  if (util === undefined) return undefined;
  for (const module of modules.filter((file) => existsSync(file))) {
    if (await works(util, module)) return { softhsmModule: module, softhsmUtil: util };
  }
  return undefined;
}

async function unpackedHere() {
  const module = join(unpacked, "usr/lib/softhsm/libsofthsm2.so");
  const util = join(unpackedTools, "softhsm2-util");
  if (!existsSync(module)) return undefined;
  const program = join(unpacked, "usr/bin/softhsm2-util");
  for (const libraries of linkLibraries(unpacked)) {
    if (!((await bindLibraries(module, libraries)) && (await bindLibraries(program, libraries)))) return undefined;
  }
  mkdirSync(unpackedTools, { recursive: true });
  writeWrapper(util, program, { libraries: [], args: ["--module", module] });
  return (await works(util, module)) ? { softhsmModule: module, softhsmUtil: util } : undefined;
}

/** Loads the module in a child, with an empty token folder of its own. */
async function works(util, module) {
  const folder = mkdtempSync(join(tmpdir(), "coldseal-softhsm-"));
  try {
    const configuration = join(folder, "softhsm2.conf");
    writeFileSync(configuration, `directories.tokendir = ${folder}\nobjectstore.backend = file\n`);
    const env = { ...process.env, SOFTHSM2_CONF: configuration };
    return (await attempt(util, ["--module", module, "--show-slots"], { env })).ok;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
