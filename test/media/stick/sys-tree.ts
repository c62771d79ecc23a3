/** A kernel's tree as a folder (`/sys` as Linux 6.1 lays it out), with sticks plugged in and pulled out by its files. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { memoryStick } from "./usb-samples.ts";

export interface TreeDisk {
  readonly name: string;
  readonly dev: string;
  readonly bytes: number;
  readonly partitions?: readonly {
    readonly name: string;
    readonly dev: string;
    readonly start: number;
    readonly bytes: number;
  }[];
  readonly readOnly?: boolean;
}

export interface TreeDevice {
  readonly port: string;
  readonly device: number;
  readonly descriptors?: Uint8Array;
  readonly serial?: string | Uint8Array;
  readonly disks?: readonly TreeDisk[];
}

/** The tree of a machine with USB: a host controller, and a disk of its own that hangs on no USB. */
export function makeTree(sys: string): void {
  makeDisk(sys, "devices/pci0000:00/virtio0", { name: "vda", dev: "254:0", bytes: 1 << 30 });
  const root = join(sys, "devices/pci0000:00/usb1");
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "devnum"), "1\n");
  link(join(sys, "bus/usb/devices/usb1"), root);
}

export function plug(sys: string, { port, device, descriptors = memoryStick, serial, disks = [] }: TreeDevice): void {
  const folder = folderOf(sys, port);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "devnum"), `${device}\n`);
  writeFileSync(join(folder, "descriptors"), descriptors);
  writeFileSync(join(folder, "authorized"), "1\n");
  if (serial !== undefined) writeFileSync(join(folder, "serial"), typeof serial === "string" ? `${serial}\n` : serial);
  link(join(sys, "bus/usb/devices", port), folder);
  const bus = join(folder, `${port}:1.0`);
  mkdirSync(bus, { recursive: true });
  link(join(sys, "bus/usb/devices", `${port}:1.0`), bus);
  for (const disk of disks) makeDisk(sys, relative(sys, join(bus, "host6/target6:0:0/6:0:0:0")), disk);
}

/** What the kernel takes away when a device is pulled out. */
export function pull(sys: string, { port, disks = [] }: TreeDevice): void {
  for (const { name } of disks) rmSync(join(sys, "block", name));
  rmSync(join(sys, "bus/usb/devices", `${port}:1.0`));
  rmSync(join(sys, "bus/usb/devices", port));
  rmSync(folderOf(sys, port), { recursive: true });
}

/** Ports below a hub stand in the hub's folder. */
function folderOf(sys: string, port: string): string {
  const steps = port.split(".");
  const hubs = steps.map((_, nth) => steps.slice(0, nth + 1).join("."));
  return join(sys, "devices/pci0000:00/usb1", ...hubs);
}

function makeDisk(sys: string, below: string, { name, dev, bytes, partitions = [], readOnly = false }: TreeDisk): void {
  const folder = join(sys, below, "block", name);
  mkdirSync(join(folder, "queue"), { recursive: true });
  write(folder, {
    dev,
    size: `${bytes / 512}`,
    ro: readOnly ? "1" : "0",
    removable: "1",
    "queue/logical_block_size": "512",
  });
  for (const [nth, part] of partitions.entries()) {
    mkdirSync(join(folder, part.name), { recursive: true });
    const files = { partition: `${nth + 1}`, dev: part.dev, start: `${part.start / 512}`, size: `${part.bytes / 512}` };
    write(join(folder, part.name), files);
  }
  link(join(sys, "block", name), folder);
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), `${text}\n`);
}

function link(path: string, target: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(relative(dirname(path), target), path);
}
