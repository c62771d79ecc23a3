/**
 * One process at a time starts a module or logs in: SoftHSM rewrites the token's file at each login, and another process
 * that reads it just then loses the token until it starts the module anew (measured: 189 of 200 failed).
 */

import { spawnSync } from "node:child_process";
import { closeSync, openSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { Refusal } from "../manifests/refusal.ts";
import type { ModulePlace } from "./module.ts";

const seconds = 30;

/**
 * Runs `work` while no other process on this machine runs such work for the same place. The lock is flock(2) on the first
 * file that the module's environment names (its own configuration), else on the module itself; no file is made, and it
 * ends with the process. `work` is synchronous, so that one process never waits for itself. Refuses with BUSY after 30 s.
 */
export function oneAtATime<T>(place: ModulePlace, work: () => T): T {
  const descriptor = openLockFile(place);
  try {
    lock(descriptor);
    return work();
  } finally {
    closeSync(descriptor);
  }
}

function openLockFile(place: ModulePlace): number {
  const path = Object.values(place.environment ?? {}).find(isFile) ?? place.module;
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new Refusal("HSM-MODULE", "a file that the module needs cannot be read", { about: path, cause });
  }
}

function isFile(value: string): boolean {
  return isAbsolute(value) && (statSync(value, { throwIfNoEntry: false })?.isFile() ?? false);
}

/** util-linux's flock locks the open file that it inherits; the lock stays when it ends. */
function lock(descriptor: number): void {
  const { error, status } = spawnSync("flock", ["--exclusive", "--timeout", `${seconds}`, "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (error) throw new Refusal("HSM-MODULE", "flock does not start", { expected: "util-linux", cause: error });
  if (status !== 0) throw new Refusal("BUSY", "other processes keep the token's login busy", { got: `${seconds} s` });
}
