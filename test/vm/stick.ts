/** The image of a stick: a partition table with one partition, filled and read without mounting (mtools, for FAT). */

import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

export const sectorBytes = 512;
/** of the partition */
export const firstSector = 2048;

export interface StickForm {
  /** 64 where it is left out; FAT32 needs 34 */
  readonly megabytes?: number;
}

/** An empty stick with FAT32. */
export function makeStick(file: string, { megabytes = 64 }: StickForm = {}): void {
  const sectors = (megabytes << 20) / sectorBytes;
  writeDisk(file, sectors, [{ type: 0x0c, start: firstSector, sectors: sectors - firstSector }]);
  const kilobytes = ((sectors - firstSector) * sectorBytes) / 1024;
  run("mkfs.vfat", "-F", "32", "-n", "STICK", "-h", `${firstSector}`, `--offset=${firstSector}`, file, `${kilobytes}`);
}

/** A disk of zeros with a partition table (MBR). */
export function writeDisk(
  file: string,
  sectors: number,
  partitions: readonly { readonly type: number; readonly start: number; readonly sectors: number }[],
): void {
  const table = Buffer.alloc(sectorBytes);
  table.writeUInt32LE(0x434f4c44, 440);
  for (const [at, one] of partitions.entries()) {
    const row = 446 + 16 * at;
    table[row + 4] = one.type;
    table.writeUInt32LE(one.start, row + 8);
    table.writeUInt32LE(one.sectors, row + 12);
  }
  table[510] = 0x55;
  table[511] = 0xaa;
  const image = openSync(file, "w");
  ftruncateSync(image, sectors * sectorBytes);
  writeSync(image, table);
  closeSync(image);
}

/** Copies a folder of the host into the stick's root. */
export function putOnStick(file: string, folder: string): void {
  run("mcopy", "-s", "-Q", "-i", at(file), folder, "::/");
}

/** Copies a folder of the stick into a folder of the host. */
export function takeFromStick(file: string, folder: string, to: string): void {
  run("mcopy", "-s", "-n", "-Q", "-i", at(file), `::/${folder}`, to);
}

/** Whether a file or folder stands on it. */
export function onStick(file: string, path: string): boolean {
  return spawnSync("mdir", ["-b", "-i", at(file), `::/${path}`], { env: environment, stdio: "ignore" }).status === 0;
}

function at(file: string): string {
  return `${file}@@${firstSector * sectorBytes}`;
}

const environment = { ...process.env, MTOOLS_SKIP_CHECK: "1" };

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { env: environment, stdio: ["ignore", "ignore", "pipe"] });
}
