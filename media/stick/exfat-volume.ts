/** T28: exFAT as Microsoft's "exFAT file system specification" has it (chapter 3), by the first bytes of the file system. Pure. */

import type { Volume, VolumeArea } from "./volume.ts";
import { isExfat, oddVolume } from "./volume-form.ts";

/** Sectors of a boot region: boot sector, eight extended ones, OEM parameters, a reserved one; their checksum is the twelfth. */
const summed = 11;
const mostClusters = 0xffff_fff5;

/**
 * Checks the main boot region of an exFAT file system, its checksum, and its geometry against the place that it has.
 * `head` holds its first 64 KiB. Refuses with STICK-FORM.
 */
export function checkExfatVolume(head: Uint8Array, area: VolumeArea): Volume {
  if (head.length < 512) throw oddVolume("fewer bytes than a boot sector has");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (!isExfat(head) || view.getUint16(510, true) !== 0xaa55) throw oddVolume("no boot sector of exFAT");
  if (head[0] !== 0xeb || head[1] !== 0x76 || head[2] !== 0x90) throw oddVolume("an odd jump");
  if (head.subarray(11, 64).some((byte) => byte !== 0)) throw oddVolume("bytes where zeros must be");
  if (view.getUint16(104, true) !== 0x0100) throw oddVolume("another revision");
  const shift = view.getUint8(108);
  if (shift < 9 || shift > 12 || 2 ** shift < area.sectorBytes) throw oddVolume("sectors of an odd size");
  if (view.getUint8(109) > 25 - shift) throw oddVolume("clusters of an odd size");
  if (view.getUint8(110) !== 1) throw oddVolume("not exactly one FAT");
  checkPlaces(view, area, shift);
  checkBootChecksum(head, view, 2 ** shift);
  return { type: "exfat", id: view.getUint32(100, true).toString(16).padStart(8, "0") };
}

/** 3.1.5 to 3.1.10: the parts follow each other, and the root folder is in the last. */
function checkPlaces(view: DataView, area: VolumeArea, shift: number): void {
  const sectorBytes = 2 ** shift;
  const sectors = view.getBigUint64(72, true);
  if (sectors < BigInt(2 ** 20 / sectorBytes)) throw oddVolume("a file system of less than 1 MiB");
  if (sectors * BigInt(sectorBytes) > BigInt(area.bytes)) throw oddVolume("a file system that ends beyond its place");
  const [fat, fatLength, heap, clusters, root] = [80, 84, 88, 92, 96].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (fat < 24 || fat + fatLength > heap) throw oddVolume("a FAT over other parts");
  const room = Math.floor((Number(sectors) - heap) / 2 ** view.getUint8(109));
  if (clusters < 1 || clusters > room || clusters > mostClusters)
    throw oddVolume("more clusters than there is room for, or none");
  if (fatLength * sectorBytes < (clusters + 2) * 4) throw oddVolume("a FAT too small for its clusters");
  if (root < 2 || root > clusters + 1) throw oddVolume("a root folder outside of the clusters");
}

/** 3.4: over eleven sectors but the flags and the percentage in use, repeated through the twelfth. */
function checkBootChecksum(head: Uint8Array, view: DataView, sectorBytes: number): void {
  const end = summed * sectorBytes;
  if (head.length < end + sectorBytes) throw oddVolume("a boot region that is cut off");
  for (let sector = 1; sector <= 8; sector++) {
    if (view.getUint32((sector + 1) * sectorBytes - 4, true) !== 0xaa55_0000)
      throw oddVolume("an extended boot sector without its signature");
  }
  let sum = 0;
  for (let at = 0; at < end; at++) {
    if (at === 106 || at === 107 || at === 112) continue;
    sum = (((sum & 1) << 31) | (sum >>> 1)) + (head[at] as number);
    sum >>>= 0;
  }
  for (let at = end; at < end + sectorBytes; at += 4) {
    if (view.getUint32(at, true) !== sum) throw oddVolume("a boot region whose checksum is wrong");
  }
}
