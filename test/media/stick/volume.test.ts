import { describe, expect, it } from "vitest";
import { checkVolume } from "../../../media/stick/volume.ts";
import { refusalOf } from "./refusal-of.ts";
import { area, exfat, fat16, fat32, patched, stickBytes } from "./stick-images.ts";

const check = (bytes: Uint8Array, bytesThere = stickBytes) => checkVolume(bytes, { ...area, bytes: bytesThere });

describe("checkVolume", () => {
  it.each([
    ["FAT32", fat32(), { type: "vfat", id: "1a2b3c4d" }],
    ["FAT16", fat16(), { type: "vfat", id: "5e6f7a8b" }],
    ["exFAT", exfat(), { type: "exfat", id: "0badcafe" }],
    ["FAT32 without a serial number", patched(fat32(), [66, 1, 0]), { type: "vfat", id: "none" }],
    ["a boot sector without a copy", patched(fat32(), [50, 2, 0]), { type: "vfat", id: "1a2b3c4d" }],
    [
      "an exFAT that was not put away well",
      patched(exfat(), [106, 2, 2], [112, 1, 77]),
      { type: "exfat", id: "0badcafe" },
    ],
  ])("T28: takes %s", (_, bytes, volume) => {
    expect(check(bytes)).toEqual(volume);
  });

  it.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "fewer bytes than a boot sector has"],
    ["zeros", new Uint8Array(512), "no boot sector of FAT"],
    ["NTFS", patched(fat32(), [3, 4, 0x5346_544e], [16, 1, 0], [14, 2, 0]), "no reserved sector"],
    ["FAT12", patched(fat16(), [13, 1, 64]), "FAT12"],
    ["FAT16 with too many clusters", patched(fat16(), [13, 1, 1], [22, 2, 600]), "129836 clusters in FAT16"],
    ["FAT32 with too few clusters", patched(fat32(), [13, 1, 8]), "16124 clusters in FAT32"],
    ["sectors of 520 bytes", patched(fat32(), [11, 2, 520]), "sectors of 520 bytes"],
    ["sectors of no size", patched(fat32(), [11, 2, 0]), "sectors of 0 bytes"],
    ["clusters of no sector", patched(fat32(), [13, 1, 0]), "clusters of 0 sectors"],
    ["clusters of three sectors", patched(fat32(), [13, 1, 3]), "clusters of 3 sectors"],
    ["no FAT", patched(fat32(), [16, 1, 0]), "0 FATs"],
    ["255 FATs", patched(fat32(), [16, 1, 255]), "255 FATs"],
    ["an odd media byte", patched(fat32(), [21, 1, 0xf1]), "an odd media byte"],
    ["root entries in FAT32", patched(fat32(), [17, 2, 512]), "512 root entries"],
    ["no root entries in FAT16", patched(fat16(), [17, 2, 0]), "0 root entries"],
    ["two totals", patched(fat16(), [19, 2, 8000]), "no total of sectors, or two"],
    ["no total", patched(fat32(), [32, 4, 0]), "no total of sectors, or two"],
    [
      "a total beyond the place",
      patched(fat32(), [32, 4, stickBytes / 512 + 1]),
      "a file system that ends beyond its place",
    ],
    ["FATs that leave nothing", patched(fat32(), [36, 4, 100_000]), "no room for data"],
    ["FATs of 2^32 sectors", patched(fat32(), [36, 4, 0xffff_ffff]), "no room for data"],
    ["a FAT too small", patched(fat32(), [36, 4, 10]), "a FAT too small for its clusters"],
    ["a root folder at cluster 0", patched(fat32(), [44, 4, 0]), "a root folder outside of the clusters"],
    ["a root folder beyond the end", patched(fat32(), [44, 4, 200_000]), "a root folder outside of the clusters"],
    ["another version", patched(fat32(), [42, 2, 1]), "another version of FAT32"],
    ["FSInfo in the FAT", patched(fat32(), [48, 2, 32]), "FSInfo outside of the reserved sectors"],
    ["FSInfo without signatures", patched(fat32(), [512, 4, 0]), "FSInfo without its signatures"],
    ["a copy in the FAT", patched(fat32(), [50, 2, 40]), "a copy of the boot sector outside of the reserved sectors"],
    [
      "a FAT that does not begin as one",
      patched(fat32(), [32 * 512, 4, 0]),
      "a FAT whose first entry does not repeat the media byte",
    ],
    ["bytes in exFAT's zeros", exfat(stickBytes, [20, 1, 1]), "bytes where zeros must be"],
    ["an odd jump of exFAT", exfat(stickBytes, [1, 1, 0x58]), "an odd jump"],
    ["two FATs of exFAT", exfat(stickBytes, [110, 1, 2]), "not exactly one FAT"],
    ["no FAT of exFAT", exfat(stickBytes, [110, 1, 0]), "not exactly one FAT"],
    ["exFAT 2.00", exfat(stickBytes, [104, 2, 0x0200]), "another revision"],
    ["exFAT sectors of 2^40 bytes", exfat(stickBytes, [108, 1, 40]), "sectors of an odd size"],
    ["exFAT clusters of 2^255", exfat(stickBytes, [109, 1, 255]), "clusters of an odd size"],
    [
      "exFAT beyond the place",
      exfat(stickBytes, [72, 8, stickBytes / 512 + 1]),
      "a file system that ends beyond its place",
    ],
    ["exFAT of no size", exfat(stickBytes, [72, 8, 0]), "a file system of less than 1 MiB"],
    [
      "exFAT of 2^53 sectors",
      exfat(stickBytes, [72, 8, Number.MAX_SAFE_INTEGER]),
      "a file system that ends beyond its place",
    ],
    ["a FAT over the boot region", exfat(stickBytes, [80, 4, 1]), "a FAT over other parts"],
    ["a FAT over the data", exfat(stickBytes, [84, 4, 5000]), "a FAT over other parts"],
    [
      "more clusters than there is room",
      exfat(stickBytes, [92, 4, 20_000]),
      "more clusters than there is room for, or none",
    ],
    ["no clusters", exfat(stickBytes, [92, 4, 0]), "more clusters than there is room for, or none"],
    ["a heap beyond the end", exfat(stickBytes, [88, 4, 0xffff_ffff]), "more clusters than there is room for, or none"],
    ["exFAT's FAT too small", exfat(stickBytes, [84, 4, 1]), "a FAT too small for its clusters"],
    ["exFAT's root folder at cluster 1", exfat(stickBytes, [96, 4, 1]), "a root folder outside of the clusters"],
    ["exFAT's root folder beyond", exfat(stickBytes, [96, 4, 0xffff_ffff]), "a root folder outside of the clusters"],
    ["a boot region that was changed", patched(exfat(), [100, 4, 1]), "a boot region whose checksum is wrong"],
    [
      "a checksum that is not repeated",
      patched(exfat(), [12 * 512 - 4, 4, 1]),
      "a boot region whose checksum is wrong",
    ],
    [
      "an extended sector without signature",
      exfat(stickBytes, [1020, 4, 0]),
      "an extended boot sector without its signature",
    ],
    ["a boot region that is cut off", exfat().subarray(0, 1000), "a boot region that is cut off"],
  ])("T28: refuses %s", (_, bytes, got) => {
    expect(refusalOf(() => check(bytes))).toMatchObject({ code: "STICK-FORM", got });
  });

  it("T28: holds the size that a file system says against the place that it has", () => {
    expect(refusalOf(() => check(fat32(), stickBytes - 512))).toMatchObject({
      got: "a file system that ends beyond its place",
    });
    expect(refusalOf(() => check(exfat(), stickBytes - 512))).toMatchObject({
      got: "a file system that ends beyond its place",
    });
    expect(refusalOf(() => checkVolume(fat32(), { bytes: stickBytes, sectorBytes: 4096 }))).toMatchObject({
      got: "sectors of 512 bytes",
    });
  });
});
