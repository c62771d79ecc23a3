// Ensures the openssl command, with which the demo and the tests check by other people's code what was sealed.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "./child.mjs";
import { installPackages, unpackPackages } from "./debian-packages.mjs";
import { cache, unpackedTools } from "./places.mjs";
import { findTool } from "./search-path.mjs";
import { progress, SetupStopped } from "./stop.mjs";
import { linkLibraries, writeWrapper } from "./unpacked-tools.mjs";

const unpacked = join(cache, "openssl");

/** @returns {Promise<string>} path of an openssl command */
export async function ensureOpenssl() {
  const found = (await onTheMachine()) ?? (await unpackedHere());
  if (found !== undefined) return found;
  progress("adding openssl");
  const installed = (await installPackages(["openssl"])) ? await onTheMachine() : undefined;
  if (installed !== undefined) return installed;
  const unpackedNow = (await unpackPackages(["openssl"], unpacked, "what-is-missing"))
    ? await unpackedHere()
    : undefined;
  if (unpackedNow !== undefined) return unpackedNow;
  throw new SetupStopped(
    "the openssl command is missing: install it (Debian: apt-get install openssl), then run this again",
  );
}

async function onTheMachine() {
  const found = findTool("openssl");
  return found !== undefined && (await works(found)) ? found : undefined;
}

async function unpackedHere() {
  const program = join(unpacked, "usr/bin/openssl");
  if (!existsSync(program)) return undefined;
  const libraries = linkLibraries(unpacked);
  mkdirSync(unpackedTools, { recursive: true });
  const wrapper = join(unpackedTools, "openssl");
  const defaults = { OPENSSL_CONF: join(unpacked, "etc/ssl/openssl.cnf") };
  writeWrapper(wrapper, program, { libraries, defaults });
  return (await works(wrapper)) ? wrapper : undefined;
}

async function works(command) {
  return (await attempt(command, ["version"])).ok;
}
