/** Builds what of the fault tests is C: with the machine's compiler, into a folder of the run. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Where pkcs11js keeps the PKCS#11 headers that it was built with. */
const headers = join(import.meta.dirname, "../../../node_modules/pkcs11js/includes/pkcs11");

/** Whether there is a C compiler. */
export const canCompile = spawnSync("cc", ["--version"]).status === 0;

/** The module that stands between signer and token; its path. Throws what the compiler says. */
export function buildShim(folder: string): string {
  const path = join(folder, "token-faults.so");
  const args = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-I", headers, "-o", path];
  const { status, stderr } = spawnSync("cc", [...args, join(import.meta.dirname, "shim.c"), "-ldl", "-lpthread"]);
  if (status !== 0) throw new Error(`the module between signer and token does not compile: ${stderr}`);
  return path;
}
