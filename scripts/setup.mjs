// Does all the set-up that the project needs, once: `node scripts/setup.mjs`, on any Node from 20 on.
// What is already there is left alone. Two runs at the same time wait for each other.

import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ensureNativeAddon } from "./setup/native-addon.mjs";
import { ensureNpmPackages } from "./setup/npm-packages.mjs";
import { runAlone } from "./setup/one-at-a-time.mjs";
import { ensureOpenssl } from "./setup/openssl.mjs";
import { ensurePinnedNodeStarts } from "./setup/pinned-node.mjs";
import { cache, root } from "./setup/places.mjs";
import { readRecord, writeRecord } from "./setup/record.mjs";
import { ensureSoftHsm } from "./setup/softhsm.mjs";
import { progress, SetupStopped } from "./setup/stop.mjs";

try {
  if (readRecord() === undefined) {
    ensureFolderIsOurs();
    await runAlone(join(cache, "setup.lock"), import.meta.filename, setUp);
  }
} catch (error) {
  if (!(error instanceof SetupStopped)) throw error;
  process.stderr.write(`set-up stopped: ${error.message}\n`);
  process.exitCode = 1;
}

async function setUp() {
  if (readRecord() !== undefined) return;
  const started = Date.now();
  await ensureNpmPackages();
  const nodeLibraries = await ensurePinnedNodeStarts();
  await ensureNativeAddon();
  const { softhsmModule, softhsmUtil } = await ensureSoftHsm();
  const openssl = await ensureOpenssl();
  writeRecord({ softhsmModule, softhsmUtil, openssl, nodeLibraries });
  progress(`ready after ${Math.ceil((Date.now() - started) / 1000)} s; from now on this step takes no time`);
}

function ensureFolderIsOurs() {
  try {
    accessSync(root, constants.W_OK);
    mkdirSync(cache, { recursive: true });
    accessSync(cache, constants.W_OK);
  } catch {
    throw new SetupStopped(`this user cannot write to ${root}: clone the project into a folder of your own`);
  }
}
