// Ensures that one set-up runs at a time in this folder. The lock is the kernel's: it ends with the process that holds it.

import { spawnSync } from "node:child_process";
import { become } from "./child.mjs";
import { progress, SetupStopped } from "./stop.mjs";

const held = "COLDSEAL_SETUP_LOCK_HELD";
const busy = 75;

/**
 * Does the work under the lock, by starting this script again below flock(1); the caller's process ends as that one does.
 * @param {string} lock @param {string} script @param {() => Promise<void>} work
 */
export async function runAlone(lock, script, work) {
  if (process.env[held] === lock) return work();
  const env = { ...process.env, [held]: lock };
  const probe = spawnSync("flock", ["--nonblock", "--conflict-exit-code", String(busy), lock, "true"]);
  if (probe.error) throw new SetupStopped("the flock command is missing: install util-linux, then run this again");
  if (probe.status === busy) progress("another set-up is at work in this folder, waiting for it");
  // --no-fork: flock becomes the script, so that signals and the exit status are the script's own.
  await become("flock", ["--no-fork", lock, process.execPath, script], { env });
}
