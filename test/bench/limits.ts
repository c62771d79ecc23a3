/** The limits of disk and digests: what the system itself does with the same files. */

import { execFileSync } from "node:child_process";
import { closeSync, constants, fsyncSync, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

/** MiB/s of `openssl dgst -sha256` over a file. */
export function opensslDigest(file: string): number {
  return rate(statSync(file).size / (1 << 20), () => execFileSync("openssl", ["dgst", "-sha256", file]));
}

/** MiB/s of `cp` and `sync -f` of a file to another folder. */
export function copyAndSync(file: string, to: string): number {
  return rate(statSync(file).size / (1 << 20), () => {
    execFileSync("cp", [file, to]);
    execFileSync("sync", ["-f", to]);
  });
}

/** Files a second: `count` new files of `bytes` bytes in folders of a thousand, then one syncfs and an fsync of each folder. */
export function durableFiles(folder: string, count: number, bytes: number): number {
  const content = Buffer.alloc(bytes, 7);
  return rate(count, () => {
    const folders: string[] = [];
    for (let at = 0; at < count; at++) {
      const inner = join(folder, String(Math.floor(at / 1000)).padStart(4, "0"));
      if (at % 1000 === 0) {
        mkdirSync(inner, { recursive: true });
        folders.push(inner);
      }
      const { O_CREAT, O_EXCL, O_WRONLY } = constants;
      const file = openSync(join(inner, `${at}.p7s`), O_WRONLY | O_CREAT | O_EXCL, 0o644);
      writeSync(file, content);
      closeSync(file);
    }
    execFileSync("sync", ["-f", folder]);
    for (const inner of [...folders, folder]) {
      const opened = openSync(inner, constants.O_RDONLY | constants.O_DIRECTORY);
      fsyncSync(opened);
      closeSync(opened);
    }
  });
}

function rate(amount: number, work: () => unknown): number {
  const begun = performance.now();
  work();
  return amount / ((performance.now() - begun) / 1000);
}
