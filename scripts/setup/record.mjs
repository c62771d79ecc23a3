// The record of a finished set-up, `.cache/setup.json`: what it was made for and where it found SoftHSM and openssl.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache, nativeAddon, pinnedNode, root } from "./places.mjs";

const path = join(cache, "setup.json");

/**
 * @typedef {object} SetupRecord
 * @property {string} stamp what the set-up was made for
 * @property {string} softhsmModule path of libsofthsm2.so
 * @property {string | null} softhsmUtil path of softhsm2-util; null only where COLDSEAL_SOFTHSM_MODULE names a module without one
 * @property {string} openssl path of the openssl command
 * @property {string | null} nodeLibraries folder of libraries beside the pinned node; null where it needs none
 */

/** The record when it fits this lock file, this set-up and this machine and all it names is still there, else undefined. */
export function readRecord() {
  const record = parse();
  if (record?.stamp !== stamp()) return undefined;
  const named = [record.softhsmModule, record.softhsmUtil, record.openssl, record.nodeLibraries];
  return [pinnedNode, nativeAddon, ...named].every((file) => file === null || existsSync(file)) ? record : undefined;
}

/** Writes the record whole or not at all. @param {Omit<SetupRecord, "stamp">} found */
export function writeRecord(found) {
  mkdirSync(cache, { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ stamp: stamp(), ...found }, null, 2)}\n`);
  renameSync(temporary, path);
}

/** @returns {SetupRecord | undefined} */
function parse() {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** SHA-256 over the machine's kind, the lock file and the set-up's own code. */
function stamp() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  hash.update(readFileSync(join(root, "package-lock.json")));
  for (const name of readdirSync(import.meta.dirname).sort())
    hash.update(readFileSync(join(import.meta.dirname, name)));
  return hash.digest("hex");
}
