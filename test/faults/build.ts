/** Builds what of the fault tests is C: with the machine's compiler, into a folder of the run. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Where pkcs11js keeps the PKCS#11 headers that it was built with. */
const headers = join(import.meta.dirname, "../../node_modules/pkcs11js/includes/pkcs11");

/** Whether there is a C compiler. */
export const canCompile = spawnSync("cc", ["--version"]).status === 0;

/** The module that stands between signer and token; its path. Throws what the compiler says. */
export function buildShim(folder: string): string {
  const path = join(folder, "token-faults.so");
  compile(path, "token/shim.c", ["-shared", "-fPIC", "-I", headers], ["-ldl", "-lpthread"]);
  return path;
}

/** What starts processes under a fault (`start/start-plan.ts`); its path. Throws what the compiler says. */
export function buildStarter(folder: string): string {
  const path = join(folder, "starter");
  compile(path, "start/starter.c");
  return path;
}

function compile(path: string, source: string, before: readonly string[] = [], after: readonly string[] = []): void {
  const args = [...before, "-O1", "-Wall", "-Wextra", "-o", path, join(import.meta.dirname, source), ...after];
  const { status, stderr } = spawnSync("cc", args);
  if (status !== 0) throw new Error(`${source} does not compile: ${stderr}`);
}
