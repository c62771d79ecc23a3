/** flock(2), which Node does not have. The lock ends with the descriptor, and so with the process, also one that is killed; no file is made for it. */

import { spawnSync } from "node:child_process";
import { Refusal } from "../manifests/refusal.ts";

/**
 * Locks an open file or folder against every other descriptor of it, waiting up to `seconds` (0: not at all); false: another holds it still. The lock is gone when the descriptor is closed.
 * Refuses CONFIG where flock(1) does not start: util-linux's locks the open file that it inherits, and the lock stays when it ends.
 */
export function takeLock(descriptor: number, seconds: number): boolean {
  const { error, status } = spawnSync("flock", ["--exclusive", "--timeout", `${seconds}`, "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (error) throw new Refusal("CONFIG", "flock does not start", { expected: "util-linux", cause: error });
  return status === 0;
}
