/** What the virtual machine needs of this one. */

import { spawnSync } from "node:child_process";

const tools = [
  "qemu-system-x86_64",
  "qemu-img",
  "debootstrap",
  "unshare",
  "setpriv",
  "mkfs.ext4",
  "e2fsck",
  "debugfs",
  "mkfs.vfat",
  "mkfs.exfat",
  "mcopy",
];

/** In words; undefined where all is there. */
export function missingForVm(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the image is for x64 alone";
  const absent = tools.filter((tool) => spawnSync("which", [tool], { stdio: "ignore" }).status !== 0);
  if (absent.length > 0) return `${absent.join(", ")} ${absent.length === 1 ? "is" : "are"} not here`;
  // debootstrap and chroot.
  return process.getuid?.() === 0 ? undefined : "only root can make its image";
}
