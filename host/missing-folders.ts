/** Folders with all above them that are missing. Node's own (mkdir, recursive) never ends where a folder that is there takes no names, as /proc. */

import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and those above it, as far as they are missing (mode 0o777 less the umask unless said); absolute paths of what was made, the lowest first. Not durable: see
 * `makeFolder`. Throws the system's own faults.
 */
export function makeMissingFolders(path: string, mode = 0o777): Promise<readonly string[]> {
  return makeMissing(resolve(path), mode);
}

async function makeMissing(path: string, mode: number): Promise<readonly string[]> {
  const fault = await mkdirFault(path, mode);
  if (fault === undefined) return [path];
  if (fault.code === "EEXIST" && (await stat(path)).isDirectory()) return [];
  if (fault.code !== "ENOENT" || path === dirname(path)) throw fault;
  const above = await makeMissing(dirname(path), mode);
  const again = await mkdirFault(path, mode);
  if (again === undefined) return [path, ...above];
  // Another process may have made it meanwhile.
  if (again.code === "EEXIST" && (await stat(path)).isDirectory()) return above;
  throw again;
}

function mkdirFault(path: string, mode: number): Promise<NodeJS.ErrnoException | undefined> {
  return mkdir(path, { mode }).then(
    () => undefined,
    (fault) => fault as NodeJS.ErrnoException,
  );
}
