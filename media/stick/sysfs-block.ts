/** The disks that are there, by the kernel's word: `/sys/block`. It needs no udev, and tells when a partition can be used. */

import { realpathSync } from "node:fs";
import { join } from "node:path";
import { sysNames, sysNumber, sysText } from "./sysfs-file.ts";
import { portName } from "./sysfs-usb.ts";

interface BlockRange {
  /** its name in `/dev` */
  readonly name: string;
  /** `major:minor` */
  readonly dev: string;
  readonly bytes: number;
}

export interface DiskPartition extends BlockRange {
  /** from the disk's beginning, in bytes */
  readonly start: number;
}

export interface Disk extends BlockRange {
  readonly sectorBytes: number;
  /** the USB device that it is, as `UsbDevice.port` */
  readonly port: string;
  readonly readOnly: boolean;
  readonly partitions: readonly DiskPartition[];
}

/** Linux counts sizes and starts in these, whatever the disk's own sectors are. */
const unit = 512;
const blockName = /^[a-zA-Z][a-zA-Z0-9]{0,31}$/;

/** Disks that hang on a USB device and hold something; a card reader without a card is left out, and so is what goes away meanwhile. */
export function usbDisks(sys: string): readonly Disk[] {
  const names = sysNames(join(sys, "block")) ?? [];
  return names
    .filter((name) => blockName.test(name))
    .map((name) => disk(join(sys, "block", name), name))
    .filter((one) => one !== undefined);
}

function disk(folder: string, name: string): Disk | undefined {
  const port = portOf(folder);
  const range = rangeOf(folder, name);
  const sectorBytes = sysNumber(join(folder, "queue/logical_block_size"));
  if (port === undefined || !range || range.bytes === 0 || sectorBytes === undefined) return undefined;
  const partitions = (sysNames(folder) ?? [])
    .filter((one) => one.startsWith(name) && blockName.test(one))
    .map((one) => partition(join(folder, one), one))
    .filter((one) => one !== undefined);
  return { ...range, sectorBytes, port, readOnly: sysText(join(folder, "ro")) !== "0", partitions };
}

function partition(folder: string, name: string): DiskPartition | undefined {
  const range = rangeOf(folder, name);
  const start = sysNumber(join(folder, "start"));
  if (sysNumber(join(folder, "partition")) === undefined || !range || start === undefined) return undefined;
  return Number.isSafeInteger(start * unit) ? { ...range, start: start * unit } : undefined;
}

function rangeOf(folder: string, name: string): BlockRange | undefined {
  const dev = sysText(join(folder, "dev"), 24);
  const size = sysNumber(join(folder, "size"));
  if (dev === undefined || !/^[0-9]+:[0-9]+$/.test(dev) || size === undefined) return undefined;
  return Number.isSafeInteger(size * unit) ? { name, dev, bytes: size * unit } : undefined;
}

/** The last USB device on the way from the bus to the disk: hubs stand before it. */
function portOf(folder: string): string | undefined {
  try {
    return realpathSync(folder)
      .split("/")
      .findLast((name) => portName.test(name));
  } catch {
    return undefined;
  }
}
