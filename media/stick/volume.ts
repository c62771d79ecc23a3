/** The file system on a stick, judged by its first bytes before the kernel is given any of it. Pure. */

import { checkExfatVolume } from "./exfat-volume.ts";
import { checkFatVolume } from "./fat-volume.ts";
import { isExfat } from "./volume-form.ts";

export interface Volume {
  /** the type's name for mount(8) */
  readonly type: "vfat" | "exfat";
  /** its serial number in hex, which formatting makes anew; "none" where it has none */
  readonly id: string;
}

/** The place that a file system has. */
export interface VolumeArea {
  readonly bytes: number;
  /** of the disk below */
  readonly sectorBytes: number;
}

/** Checks a file system by its first 64 KiB (or all of a smaller one). Refuses with STICK-FORM what is neither FAT16, FAT32 nor exFAT, or odd. */
export function checkVolume(head: Uint8Array, area: VolumeArea): Volume {
  return isExfat(head) ? checkExfatVolume(head, area) : checkFatVolume(head, area);
}
