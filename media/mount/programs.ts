/**
 * The system's own programs for mounting, by their full paths, with fixed arguments, an empty environment and no shell. What
 * they end in is a refusal; a stick that answers no more keeps nobody waiting for ever.
 */

import { spawn } from "node:child_process";
import { release } from "node:os";
import { Refusal, type RefusalCode } from "../../manifests/refusal.ts";

const mountProgram = "/usr/bin/mount";
const umountProgram = "/usr/bin/umount";
const blockdevProgram = "/usr/sbin/blockdev";

/** Milliseconds. What was written to a slow stick goes out when it is unmounted. */
const mountPatience = 60_000;
const unmountPatience = 600_000;
const mostWords = 500;

/** Of a mount, whatever is on it: no write unless asked for, no set-user-id, no device, no program, no link that is followed. */
export const mountOptions: readonly string[] = [
  "nosuid",
  "nodev",
  "noexec",
  ...(hasNoSymFollow() ? ["nosymfollow"] : []),
];

export interface MountOrder {
  readonly node: string;
  readonly target: string;
  readonly type: string;
  readonly write: boolean;
  /** the file system's own options */
  readonly options: readonly string[];
}

/** Mounts, without helpers of the file system (`-i`) or a table of ours (`-n`). Refuses with MEDIA-READ. */
export async function mount({ node, target, type, write, options }: MountOrder): Promise<void> {
  const words = [write ? "rw" : "ro", ...mountOptions, ...options].join(",");
  await run(mountProgram, ["-i", "-n", "-t", type, "-o", words, "--", node, target], mountPatience, "MEDIA-READ");
}

/** Unmounts; on return the file system has given all that was written to the disk. Refuses with BUSY while something is open on it, MEDIA-WRITE. */
export async function unmount(target: string): Promise<void> {
  await run(umountProgram, ["-i", "-n", "--", target], unmountPatience, "MEDIA-WRITE");
}

/** Takes a mount away whose stick is gone: from every view at once, whoever still has something open on it. */
export async function unmountLazily(target: string): Promise<void> {
  await run(umountProgram, ["-i", "-n", "-l", "--", target], mountPatience, "MEDIA-WRITE");
}

/** Has the kernel write and forget all that it holds of a disk (BLKFLSBUF): what is read next comes from the stick. Refuses with MEDIA-WRITE. */
export async function flushBuffers(node: string): Promise<void> {
  await run(blockdevProgram, ["--flushbufs", node], unmountPatience, "MEDIA-WRITE");
}

function run(file: string, args: readonly string[], patience: number, code: RefusalCode): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: {}, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    const end = (refusal?: Refusal) => {
      clearTimeout(timer);
      if (refusal) reject(refusal);
      else resolve();
    };
    const timer = setTimeout(() => {
      // A process that the kernel keeps waiting for a stick ends when that lets it go; nobody waits for it here.
      child.kill("SIGKILL");
      child.unref();
      end(new Refusal(code, `${file} does not end`, { expected: `an end within ${patience / 1000} s`, got: "none" }));
    }, patience);
    child.stderr.on("data", (text: Buffer) => {
      said = (said + text.toString("latin1")).slice(0, mostWords);
    });
    child.once("error", (cause) => end(new Refusal("INTERNAL", `${file} cannot be started`, { about: file, cause })));
    child.once("close", (status, signal) => {
      if (status === 0) return end();
      const words = said.replace(/[^\x20-\x7e]+/g, " ").trim();
      const got = words === "" ? `status ${status ?? signal}` : words;
      end(new Refusal(/\bbusy\b/i.test(words) ? "BUSY" : code, `${file} failed`, { about: args.at(-1) ?? file, got }));
    });
  });
}

/** Linux has it from 5.10 on. */
function hasNoSymFollow(): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return major > 5 || (major === 5 && minor >= 10);
}
