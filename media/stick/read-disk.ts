/** The first bytes of a stick, read by one descriptor before anything is mounted. */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { Refusal } from "../../manifests/refusal.ts";
import { headBytes, type Place, readPartitionTable } from "./partition-table.ts";
import type { Disk, DiskPartition } from "./sysfs-block.ts";
import type { VolumeArea } from "./volume.ts";

export interface CheckedDisk<V> {
  readonly place: Place;
  readonly volume: V;
  /** what is to be mounted: the partition, or the disk where there is none */
  readonly node: { readonly name: string; readonly dev: string };
}

/**
 * Reads and judges a stick: its partition table, held against what Linux made of it, and its file system by `check`. Refuses
 * with STICK-FORM, STICK-GONE (not there, or its partition not yet), MEDIA-READ.
 */
export async function checkDisk<V>(
  devices: string,
  disk: Disk,
  check: (head: Uint8Array, area: VolumeArea) => V,
): Promise<CheckedDisk<V>> {
  const file = await openDisk(devices, disk);
  try {
    const place = readPartitionTable(await headAt(file, 0, disk.bytes), disk);
    const node = place.table === "none" ? wholeDisk(disk) : partitionAt(disk, place);
    const head = await headAt(file, place.start, place.bytes);
    return { place, node, volume: check(head, { bytes: place.bytes, sectorBytes: disk.sectorBytes }) };
  } finally {
    await file.close();
  }
}

/** Opens the disk for reading, and holds that it is the one that is meant. Refuses with STICK-GONE, MEDIA-READ. Whoever asked closes it. */
export async function openDisk(devices: string, disk: Pick<Disk, "name" | "dev">): Promise<FileHandle> {
  const path = join(devices, disk.name);
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((cause: NodeJS.ErrnoException) => {
    const gone = ["ENOENT", "ENXIO", "ENODEV", "ENOMEDIUM"].includes(cause.code ?? "");
    throw new Refusal(gone ? "STICK-GONE" : "MEDIA-READ", `${path} cannot be opened (${cause.code})`, {
      about: disk.name,
      cause,
    });
  });
  const stat = await file.stat();
  if (stat.isBlockDevice() && devOf(stat.rdev) === disk.dev) return file;
  await file.close();
  throw new Refusal("STICK-GONE", `${path} is not the disk that was plugged in`, {
    expected: `block device ${disk.dev}`,
    got: stat.isBlockDevice() ? devOf(stat.rdev) : "no block device",
    about: disk.name,
  });
}

/** `major:minor` of a device number (glibc's gnu_dev_major, gnu_dev_minor; Linux has 12 and 20 bits). */
export function devOf(device: number): string {
  return `${(device >> 8) & 0xfff}:${(device & 0xff) | ((device >> 12) & 0xfff00)}`;
}

async function headAt(file: FileHandle, at: number, bytes: number): Promise<Uint8Array> {
  const wanted = Math.min(headBytes, bytes);
  const head = new Uint8Array(wanted);
  try {
    for (let length = 0; length < wanted; ) {
      const { bytesRead } = await file.read(head, length, wanted - length, at + length);
      if (bytesRead === 0) throw new Error("it ends early");
      length += bytesRead;
    }
  } catch (cause) {
    throw new Refusal("MEDIA-READ", "the stick cannot be read", { cause });
  }
  return head;
}

function wholeDisk(disk: Disk): Disk {
  if (disk.partitions.length === 0) return disk;
  throw disagrees("no partition", disk);
}

/** The table that was read must be what Linux read, or the stick shows everyone another one. */
function partitionAt(disk: Disk, { start, bytes }: Place): DiskPartition {
  const [only] = disk.partitions;
  if (only === undefined) {
    throw new Refusal("STICK-GONE", "the stick's partition is not there yet", { about: disk.name });
  }
  if (disk.partitions.length === 1 && only.start === start && only.bytes === bytes) return only;
  throw disagrees(`one of ${bytes} bytes at ${start}`, disk);
}

function disagrees(expected: string, { partitions }: Disk): Refusal {
  return new Refusal("STICK-FORM", "Linux found other partitions than the stick's table has", {
    expected,
    got: partitions.map(({ bytes, start }) => `one of ${bytes} bytes at ${start}`).join(", ") || "none",
  });
}
