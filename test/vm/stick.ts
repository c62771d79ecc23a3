/** The image of a stick: a partition table with one partition, filled and read without mounting (mtools, for FAT). */

import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { type MbrEntry, mbr } from "../media/stick/stick-images.ts";

export const sectorBytes = 512;
/** of the partition */
export const firstSector = 2048;

/** Of a stick of 64 MiB, in sectors. */
export const wholeDisk = 131_072;
export const wholePartition = { start: firstSector, count: wholeDisk - firstSector };

export interface StickForm {
  /** 64 where it is left out; FAT32 needs 34 */
  readonly megabytes?: number;
}

/** An empty stick with FAT32. */
export function makeStick(file: string, { megabytes = 64 }: StickForm = {}): void {
  const sectors = (megabytes << 20) / sectorBytes;
  writeDisk(file, sectors, [{ type: 0x0c, start: firstSector, count: sectors - firstSector }]);
  const kilobytes = ((sectors - firstSector) * sectorBytes) / 1024;
  run("mkfs.vfat", "-F", "32", "-n", "STICK", "-h", `${firstSector}`, `--offset=${firstSector}`, file, `${kilobytes}`);
}

/** One with exFAT. */
export function makeExfat(file: string): void {
  writeDisk(file, wholeDisk, [{ type: 0x07, ...wholePartition }]);
  const inner = `${file}.inner`;
  execFileSync("truncate", ["-s", `${wholePartition.count * sectorBytes}`, inner]);
  execFileSync("mkfs.exfat", [inner], { stdio: "ignore" });
  execFileSync("dd", [`if=${inner}`, `of=${file}`, "bs=1M", "seek=1", "conv=notrunc"], { stdio: "ignore" });
}

/** A disk of zeros, so many sectors long, with a partition table (MBR). */
export function writeDisk(file: string, sectors: number, partitions: readonly MbrEntry[]): void {
  const image = openSync(file, "w");
  ftruncateSync(image, sectors * sectorBytes);
  writeSync(image, mbr(...partitions), 0, sectorBytes, 0);
  closeSync(image);
}

/** Bytes that are free on it. */
export function freeBytes(file: string): number {
  const listed = execFileSync("mdir", ["-i", at(file), "::/"], { encoding: "utf8", env: environment });
  return Number(/([\d ]+) bytes free/.exec(listed)?.[1]?.replaceAll(" ", ""));
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
