/** T28: FAT16 and FAT32 as Microsoft's specification has them ("FAT: General Overview of On-Disk Format", 1.03), by the first bytes of the file system. Pure. */

import type { Volume, VolumeArea } from "./volume.ts";
import { hasFatJump, isSectorSize, oddVolume } from "./volume-form.ts";

/** Fewer are FAT12, more are FAT32 (page 14): the count alone decides. */
const leastFat16 = 4085;
const leastFat32 = 65_525;
const mostClusters = 0x0fff_fff5;

interface Geometry {
  readonly sectorBytes: number;
  readonly reserved: number;
  readonly fats: number;
  readonly fatSectors: number;
  readonly clusters: number;
}

/**
 * Checks the geometry of a FAT file system against the place that it has. `head` holds its first 64 KiB, or all of a
 * smaller one. Refuses with STICK-FORM what is odd, and FAT12.
 */
export function checkFatVolume(head: Uint8Array, area: VolumeArea): Volume {
  if (head.length < 512) throw oddVolume("fewer bytes than a boot sector has");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (!hasFatJump(head) || view.getUint16(510, true) !== 0xaa55) throw oddVolume("no boot sector of FAT");
  const wide = view.getUint16(22, true) === 0;
  const geometry = geometryOf(view, area, wide);
  if (wide) checkWide(view, geometry);
  checkFirstEntry(view, geometry, wide);
  return { type: "vfat", id: idOf(view, wide ? 66 : 38) };
}

function geometryOf(view: DataView, area: VolumeArea, wide: boolean): Geometry {
  const sectorBytes = view.getUint16(11, true);
  if (!isSectorSize(sectorBytes) || sectorBytes < area.sectorBytes) throw oddVolume(`sectors of ${sectorBytes} bytes`);
  const perCluster = view.getUint8(13);
  if (!isPowerOfTwo(perCluster) || perCluster * sectorBytes > 64 * 1024)
    throw oddVolume(`clusters of ${perCluster} sectors`);
  const [reserved, fats, media] = [view.getUint16(14, true), view.getUint8(16), view.getUint8(21)];
  if (reserved === 0) throw oddVolume("no reserved sector");
  if (fats !== 1 && fats !== 2) throw oddVolume(`${fats} FATs`);
  if (media < 0xf8 && media !== 0xf0) throw oddVolume("an odd media byte");
  const rootEntries = view.getUint16(17, true);
  const rootSectors = (rootEntries * 32) / sectorBytes;
  if (wide ? rootEntries !== 0 : rootEntries === 0 || !Number.isInteger(rootSectors))
    throw oddVolume(`${rootEntries} root entries`);
  const total = totalSectors(view, wide);
  if (total * sectorBytes > area.bytes) throw oddVolume("a file system that ends beyond its place");
  const fatSectors = wide ? view.getUint32(36, true) : view.getUint16(22, true);
  const data = total - reserved - fats * fatSectors - rootSectors;
  const clusters = Math.floor(data / perCluster);
  checkClusters(clusters, wide);
  if (fatSectors * sectorBytes < (clusters + 2) * (wide ? 4 : 2)) throw oddVolume("a FAT too small for its clusters");
  return { sectorBytes, reserved, fats, fatSectors, clusters };
}

function checkClusters(clusters: number, wide: boolean): void {
  if (clusters < 1) throw oddVolume("no room for data");
  if (!wide && clusters < leastFat16) throw oddVolume("FAT12");
  if (!wide && clusters >= leastFat32) throw oddVolume(`${clusters} clusters in FAT16`);
  if (wide && (clusters < leastFat32 || clusters > mostClusters)) throw oddVolume(`${clusters} clusters in FAT32`);
}

/** One of the two fields holds it, the other is zero. */
function totalSectors(view: DataView, wide: boolean): number {
  const [small, large] = [view.getUint16(19, true), view.getUint32(32, true)];
  if ((small === 0) === (large === 0) || (wide && small !== 0)) throw oddVolume("no total of sectors, or two");
  return small === 0 ? large : small;
}

/** What FAT32 alone has: version, root folder, FSInfo, the copy of the boot sector. */
function checkWide(view: DataView, { sectorBytes, reserved, clusters }: Geometry): void {
  if (view.getUint16(42, true) !== 0) throw oddVolume("another version of FAT32");
  const root = view.getUint32(44, true);
  if (root < 2 || root > clusters + 1) throw oddVolume("a root folder outside of the clusters");
  const [info, copy] = [view.getUint16(48, true), view.getUint16(50, true)];
  if (info === 0 || info >= reserved) throw oddVolume("FSInfo outside of the reserved sectors");
  if (copy !== 0 && (copy >= reserved || copy === info))
    throw oddVolume("a copy of the boot sector outside of the reserved sectors");
  const at = info * sectorBytes;
  if (at + 512 > view.byteLength) throw oddVolume("FSInfo far from the boot sector");
  const right = view.getUint32(at, true) === 0x4161_5252 && view.getUint32(at + 484, true) === 0x6141_7272;
  if (!right || view.getUint32(at + 508, true) !== 0xaa55_0000) throw oddVolume("FSInfo without its signatures");
}

/** FAT[0] repeats the media byte, all other bits set; where it lies beyond `head`, Linux's own look must do. */
function checkFirstEntry(view: DataView, { sectorBytes, reserved }: Geometry, wide: boolean): void {
  const at = reserved * sectorBytes;
  if (at + 4 > view.byteLength) return;
  const first = wide ? view.getUint32(at, true) & 0x0fff_ffff : view.getUint16(at, true);
  const wanted = (wide ? 0x0fff_ff00 : 0xff00) | view.getUint8(21);
  if (first !== wanted) throw oddVolume("a FAT whose first entry does not repeat the media byte");
}

/** The volume's serial number follows its signature; "none" where there is no signature. */
function idOf(view: DataView, at: number): string {
  const signature = view.getUint8(at);
  if (signature !== 0x28 && signature !== 0x29) return "none";
  return view
    .getUint32(at + 1, true)
    .toString(16)
    .padStart(8, "0");
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
