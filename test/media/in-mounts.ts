/** Running a script where file systems can be mounted and pulled: a mount namespace of its own, as root or as nobody in particular. */

import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

/** `unshare` as this user can have it; undefined where the kernel allows none. */
const unshare: readonly string[] | undefined = [["-m"], ["-rm"]].find(
  (flags) => spawnSync("unshare", [...flags, "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0,
);

if (!unshare) console.warn("NOT TESTED: full, read-only and pulled media, because this user may not mount a tmpfs");

/** Whether the tests of mounts run. Under CI they always do, and fail where they cannot. */
export const canMount = unshare !== undefined || process.env.CI !== undefined;

/** Whether `strace` can inject faults here. */
export const canInject = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;

/**
 * Runs shell commands, then the module text with this Node, all in one mount namespace, the module under `strace` with
 * `inject` if given. Gives what the module printed.
 */
export async function inMounts(shell: string, module: string, inject: readonly string[] = []): Promise<string> {
  const strace = inject.length === 0 ? [] : ["strace", "-f", "-qq", "-o", "/dev/null", ...inject];
  const script = `set -e; ${shell}\nexec "$@"`;
  const node = [process.execPath, "--input-type=module-typescript", "-e", module];
  const args = [...(unshare ?? ["-m"]), "sh", "-c", script, "sh", ...strace, ...node];
  const { stdout } = await promisify(execFile)("unshare", args, {
    env: { ...process.env, UV_THREADPOOL_SIZE: "1", NODE_OPTIONS: "", NODE_COMPILE_CACHE: "" },
  });
  return stdout.trim();
}
