/**
 * A stick where the kernel has neither USB nor vfat: a tree of `/sys` made of files, and a loop device with ext4 in an MBR
 * partition in the place of the disk. What is real here is mounting, unmounting, flushing and their faults; USB and vfat are
 * tried in the virtual box.
 */

import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MountSettings } from "../../../media/mount/settings.ts";
import type { FileSystems } from "../../../media/mount/sticks.ts";
import { mbr } from "../stick/stick-images.ts";
import { makeTree, plug, pull, type TreeDevice } from "../stick/sys-tree.ts";

const mib = 2 ** 20;
const size = 16 * mib;
const part = { start: mib, bytes: size - mib };

/** ext4 in the place of vfat: its magic is 0xEF53, its id the first bytes of its UUID. */
export const ext4: FileSystems = {
  check(head) {
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    if (view.getUint16(1024 + 0x38, true) !== 0xef53) throw new Error("no ext4");
    return { type: "ext4", id: view.getUint32(1024 + 0x68).toString(16) };
  },
  options: () => [],
};

export class LoopStick {
  readonly folder = mkdtempSync(join(tmpdir(), "coldseal-loop-"));
  readonly settings: MountSettings;
  readonly #loops: string[] = [];
  #plugged = 0;

  constructor(roles: MountSettings["roles"] = { audit: [], in: "any", out: "any" }) {
    for (const name of ["dev", "media"]) mkdirSync(join(this.folder, name));
    makeTree(this.#at("sys"));
    this.settings = {
      devices: this.#at("dev"),
      folder: this.#at("media"),
      owner: { gid: 0, uid: 0 },
      own: [],
      pollMilliseconds: 50,
      roles,
      socket: this.#at("mount.sock"),
      switchOff: false,
      sys: this.#at("sys"),
    };
  }

  /** Makes a stick's image; it is plugged in by `plug`. */
  make(name: string, serial: string, port = "1-2"): TreeDevice {
    const image = this.#at(`${name}.img`);
    const file = openSync(image, "w");
    ftruncateSync(file, size);
    writeSync(file, mbr({ type: 0x0c, start: part.start / 512, count: part.bytes / 512 }), 0, 512, 0);
    closeSync(file);
    execFileSync("mkfs.ext4", ["-q", "-F", "-E", `offset=${part.start}`, image, `${part.bytes / 1024}k`]);
    const disk = this.#loop(name, image, []);
    const partition = this.#loop(`${name}1`, image, ["--offset", `${part.start}`, "--sizelimit", `${part.bytes}`]);
    const partitions = [{ name: `${name}1`, dev: partition, ...part }];
    return { port, device: 0, serial, disks: [{ name, dev: disk, bytes: size, partitions }] };
  }

  /** As another plugging each time. */
  plug(stick: TreeDevice): TreeDevice {
    this.#plugged++;
    const plugged = { ...stick, device: this.#plugged };
    plug(this.#at("sys"), plugged);
    return plugged;
  }

  pull(stick: TreeDevice): void {
    pull(this.#at("sys"), stick);
  }

  /** Gives loop devices and files back. */
  end(): void {
    for (const loop of this.#loops) execFileSync("losetup", ["-d", loop]);
    rmSync(this.folder, { recursive: true });
  }

  #at(name: string): string {
    return join(this.folder, name);
  }

  #loop(name: string, image: string, args: readonly string[]): string {
    const loop = execFileSync("losetup", ["-f", "--show", ...args, image])
      .toString()
      .trim();
    this.#loops.push(loop);
    const dev = execFileSync("lsblk", ["-nd", "-o", "MAJ:MIN", loop]).toString().trim();
    const [major = "", minor = ""] = dev.split(":");
    execFileSync("mknod", [join(this.folder, "dev", name), "b", major, minor]);
    return dev;
  }
}
