/** Where a signer listens. */

import { join, resolve } from "node:path";

/** Bytes of `sun_path` without its end (unix(7)); Node cuts what is longer, and listens elsewhere. */
const longest = 107;

/** Undefined where the folder's path is too long for a socket in it: a signer is started for each command then. */
export function socketPath(folder: string): string | undefined {
  const path = resolve(join(folder, "sign.sock"));
  return Buffer.byteLength(path) > longest ? undefined : path;
}
