import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { headBytes, readPartitionTable } from "../../../media/stick/partition-table.ts";
import { checkVolume } from "../../../media/stick/volume.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-mkfs-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Tools of dosfstools, exfatprogs and fdisk, which write what people's sticks hold. */
const missing = ["mkfs.vfat", "mkfs.exfat", "sfdisk"].filter((name) => spawnSync("which", [name]).status !== 0);
if (missing.length > 0) console.warn(`NOT TESTED: sticks that other tools made: ${missing.join(", ")} missing`);
const tools = missing.length === 0 || process.env.CI !== undefined;

let count = 0;
function stick(bytes: number, ...commands: readonly (readonly [string, readonly string[], string?])[]): string {
  const path = join(folder, `${count++}.img`);
  writeFileSync(path, "");
  truncateSync(path, bytes);
  for (const [command, args, input = ""] of commands) execFileSync(command, [...args, path], { input, stdio: "pipe" });
  return path;
}

function read(path: string, sectorBytes = 512) {
  const { size } = statSync(path);
  const place = readPartitionTable(bytesAt(path, 0), { bytes: size, sectorBytes });
  return { place, volume: checkVolume(bytesAt(path, place.start), { bytes: place.bytes, sectorBytes }) };
}

function bytesAt(path: string, at: number): Uint8Array {
  const descriptor = openSync(path, "r");
  const bytes = new Uint8Array(headBytes);
  const length = readSync(descriptor, bytes, 0, headBytes, at);
  closeSync(descriptor);
  return bytes.subarray(0, length);
}

const table = (label: string, type: string) => ["sfdisk", ["-q"], `label: ${label}\n2048,,${type}\n`] as const;
const mib = 2 ** 20;

describe.runIf(tools)("sticks that other tools made", () => {
  it.each([
    [64, ["-F", "32", "-i", "0badcafe"], "FAT32, small"],
    [2048, ["-F", "32", "-i", "0badcafe"], "FAT32, large"],
    [33_000, ["-F", "32", "-i", "0badcafe", "-s", "128"], "FAT32 in clusters of 64 KiB"],
    [64, ["-F", "16", "-i", "0badcafe"], "FAT16"],
    [1024, ["-F", "16", "-i", "0badcafe"], "FAT16, large"],
    [512, ["-F", "32", "-i", "0badcafe", "-S", "4096", "-s", "1"], "FAT32 in sectors of 4096 bytes"],
  ])("T28: takes a stick of %s MiB made by mkfs.vfat %j (%s)", (size, args) => {
    expect(read(stick(size * mib, ["mkfs.vfat", args]))).toEqual({
      place: { table: "none", start: 0, bytes: size * mib },
      volume: { type: "vfat", id: "0badcafe" },
    });
  });

  it.each([32, 1024, 70_000])("T28: takes a stick of %s MiB made by mkfs.exfat", (size) => {
    expect(read(stick(size * mib, ["mkfs.exfat", []])).volume.type).toBe("exfat");
  });

  it.each([
    ["dos", "c", "mbr"],
    ["dos", "b", "mbr"],
    ["gpt", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "gpt"],
  ])("T28: takes FAT32 in one partition that sfdisk made (%s, type %s)", (label, type, kind) => {
    const path = stick(64 * mib, table(label, type), ["mkfs.vfat", ["-F", "32", "-h", "2048", "--offset=2048"]]);
    // mkfs.vfat makes the file system to the end of the file, where a GPT has its copy.
    if (kind === "gpt") expect(() => read(path)).toThrow("ends beyond its place");
    else expect(read(path)).toMatchObject({ place: { table: kind, start: mib }, volume: { type: "vfat" } });
    expect(readPartitionTable(bytesAt(path, 0), { bytes: 64 * mib, sectorBytes: 512 })).toMatchObject({ table: kind });
  });

  it("T28: refuses what is made for something else: NTFS's type without NTFS, Linux, FAT12", () => {
    expect(() => read(stick(64 * mib, table("dos", "83")))).toThrow("a partition of type 83");
    expect(() => read(stick(64 * mib, table("gpt", "0FC63DAF-8483-4772-8E79-3D69D8477DE4")))).toThrow("not for data");
    expect(() => read(stick(64 * mib, table("dos", "7")))).toThrow("no boot sector of FAT");
    expect(() => read(stick(8 * mib, ["mkfs.vfat", []]))).toThrow("FAT12");
    expect(() => read(stick(40 * mib, ["mkfs.vfat", ["-F", "32", "-s", "2"]]))).toThrow("clusters in FAT32");
  });
});
