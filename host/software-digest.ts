/** What software this is, by its own word: a digest over the source files that the signer runs from. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hex, utf8 } from "../manifests/encoding/bytes.ts";
import { sha256 } from "./crypto-host.ts";

export interface Software {
  /** SHA-256 over the running source files, hex */
  readonly digest: string;
  readonly version: string;
}

/** What the box's processes run from. */
export const boxFolders: readonly string[] = ["appliance", "hardware", "host", "manifests", "media"];
const files = ["package-lock.json"];

/**
 * SHA-256 over the lines `path SP digest LF`, sorted by path, of every file in `folders` and of
 * package-lock.json; `root` is the folder of package.json.
 */
export function softwareOf(root: string, folders: readonly string[] = boxFolders): Software {
  const paths = [...folders.flatMap((folder) => filesBelow(root, folder)), ...files].sort();
  const lines = paths.map((path) => `${path} ${hex(sha256(readFileSync(join(root, path))))}\n`);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return { digest: hex(sha256(utf8(lines.join("")))), version };
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(root, path);
    return entry.isFile() ? [path] : [];
  });
}
