/** Disks of a box that lose their power or are full: mounted over its folders, in a mount namespace of the test's own (root), with which they go. */

import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, cpSync, existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: whatever was not synced is gone, as when the power goes. */
const cutPower = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))`;

const mebibyte = 1 << 20;

/** An ext4 file system in a file, which writes down nothing by itself for ten minutes. */
export class LoopDisk {
  readonly #image: string;
  readonly #place: string;
  readonly #over: string[] = [];

  constructor(folder: string) {
    this.#image = join(folder, "disk.img");
    this.#place = join(folder, "disk");
    writeFileSync(this.#image, "");
    truncateSync(this.#image, 96 * mebibyte);
    mkdirSync(this.#place);
    run("mkfs.ext4", "-q", "-F", "-m", "0", this.#image);
    this.#mount();
  }

  /** What stands in the folder stands on the disk from now on, and is synced. */
  takeOver(folder: string): void {
    const own = join(this.#place, String(this.#over.length));
    run("cp", "-a", folder, own);
    run("sync", "-f", this.#place);
    run("mount", "--bind", own, folder);
    this.#over.push(folder);
  }

  /** The power goes and comes back. Nobody may have anything open there. */
  cut(): void {
    run("python3", "-c", cutPower, this.#place);
    this.#unmount();
    this.#mount();
    for (const [at, folder] of this.#over.entries()) run("mount", "--bind", join(this.#place, String(at)), folder);
  }

  #mount(): void {
    run("mount", "-o", "loop,commit=600", this.#image, this.#place);
  }

  #unmount(): void {
    for (const folder of this.#over.toReversed()) run("umount", folder);
    run("umount", this.#place);
  }
}

/** A small file system in memory, over a folder and with what stands there. */
export class SmallDisk {
  readonly #filler: string;

  constructor(folder: string, mebibytes: number) {
    const before = `${folder}.before`;
    run("mv", folder, before);
    mkdirSync(folder);
    run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m,mode=700`, "none", folder);
    cpSync(before, folder, { recursive: true, preserveTimestamps: true });
    this.#filler = join(folder, ".filler");
  }

  /** Not a byte is left. */
  fill(): void {
    try {
      for (;;) appendFileSync(this.#filler, new Uint8Array(mebibyte));
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== "ENOSPC") throw fault;
    }
  }

  /** There is room again. */
  empty(): void {
    if (existsSync(this.#filler)) rmSync(this.#filler);
  }
}

function run(file: string, ...args: readonly string[]): void {
  execFileSync(file, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Starts what follows it; while a file stands there, at a disk that lies: it says that it synced and does nothing. */
export class LyingDisk {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  lie(): void {
    writeFileSync(this.#file, "");
  }

  tellTruth(): void {
    rmSync(this.#file, { force: true });
  }

  get under(): readonly string[] {
    const calls = "fsync,fdatasync,sync_file_range,syncfs,sync";
    const script = `lie=$1; shift
if [ -f "$lie" ]; then exec strace -D -f --seccomp-bpf -qq -o /dev/null -e trace=${calls} -e inject=${calls}:retval=0 "$@"; fi
exec "$@"`;
    return ["/bin/sh", "-c", script, "sh", this.#file];
  }
}

/** Whether disks can be mounted here: root, with a loop device for ext4. Under CI it counts as possible, and fails where it is not. */
export function canCutPower(): boolean {
  const script = `set -e; d=$(mktemp -d); trap 'umount $d/m 2>/dev/null; rm -r $d' EXIT; mkdir $d/m; truncate -s 16M $d/i
mkfs.ext4 -q -F $d/i; mount -o loop $d/i $d/m; python3 -c pass; strace -qq -o /dev/null true`;
  return process.env.CI !== undefined || spawnSync("unshare", ["-m", "sh", "-c", script]).status === 0;
}
