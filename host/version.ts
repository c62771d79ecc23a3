/** What `--version` prints: the version in package.json, and the Node that it runs on. */

import { readFileSync } from "node:fs";

/** `0.1.0, Node v26.10.0` */
export function versionText(): string {
  return `${packageVersion()}, Node ${process.version}`;
}

/** `0.1.0` */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return version;
}
