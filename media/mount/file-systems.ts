/** The file systems that are taken, and how they are mounted. */

import { checkVolume } from "../stick/volume.ts";
import type { FileSystems } from "./sticks.ts";

/**
 * vfat and exFAT, checked first. Files belong to the daemon and the group that intake is in, nobody else sees them; times are
 * UTC; on the first inconsistency the kernel stops writing.
 */
export const stickFileSystems: FileSystems = {
  check: checkVolume,
  options(type, { gid, uid }) {
    const both = [`uid=${uid}`, `gid=${gid}`, "fmask=0137", "dmask=0027", "errors=remount-ro"];
    return type === "vfat" ? [...both, "utf8", "shortname=mixed", "tz=UTC"] : [...both, "iocharset=utf8"];
  },
};
