/**
 * One process at a time starts a module or logs in: SoftHSM rewrites the token's file at each login, and another process
 * that reads it just then loses the token until it starts the module anew (measured: 189 of 200 failed).
 */

import { closeSync, openSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { takeLock } from "../host/file-lock.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { ModulePlace } from "./module.ts";

const seconds = 30;

/**
 * Runs `work` while no other process on this machine runs such work for the same place. The lock is flock(2) on the first
 * file that the module's environment names (its own configuration), else on the module itself; no file is made, and it
 * ends with the process. `work` is synchronous, so that one process never waits for itself. Refuses with BUSY after 30 s, CONFIG.
 */
export function oneAtATime<T>(place: ModulePlace, work: () => T): T {
  const descriptor = openLockFile(place);
  try {
    if (!takeLock(descriptor, seconds)) {
      throw new Refusal("BUSY", "other processes keep the token's login busy", { got: `${seconds} s` });
    }
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
