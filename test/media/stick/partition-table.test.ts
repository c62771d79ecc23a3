import { describe, expect, it } from "vitest";
import { readPartitionTable } from "../../../media/stick/partition-table.ts";
import { refusalOf } from "./refusal-of.ts";
import { area, exfat, fat16, fat32, gpt, guids, head, mbr, patched, stickBytes } from "./stick-images.ts";

const one = { type: 0x0c, start: 2048, count: 20_000 };
const read = (bytes: Uint8Array) => readPartitionTable(bytes, area);

describe("readPartitionTable", () => {
  it.each([
    ["FAT32 without a table", fat32(), { table: "none", start: 0, bytes: stickBytes }],
    ["FAT16 without a table", fat16(), { table: "none", start: 0, bytes: stickBytes }],
    ["exFAT without a table", exfat(), { table: "none", start: 0, bytes: stickBytes }],
    ["an MBR with one partition", mbr(one), { table: "mbr", start: 1 << 20, bytes: 10_240_000 }],
    [
      "one that is not the first entry",
      mbr({ type: 0, start: 0, count: 0 }, one),
      { table: "mbr", start: 1 << 20, bytes: 10_240_000 },
    ],
    [
      "an MBR with one exFAT partition to the end",
      mbr({ active: 0x80, type: 7, start: 1, count: 131_071 }),
      { table: "mbr", start: 512, bytes: stickBytes - 512 },
    ],
    [
      "a GPT with one basic data partition",
      gpt([{ first: 2048, last: 4095 }]),
      { table: "gpt", start: 1 << 20, bytes: 1 << 20 },
    ],
  ])("T28: finds the place in %s", (_, bytes, place) => {
    expect(read(bytes)).toEqual(place);
  });

  it.each([
    ["zeros", new Uint8Array(head), "no boot signature (55 aa)"],
    ["an empty table", mbr(), "an empty partition table"],
    ["two partitions", mbr(one, { ...one, start: 40_000 }), "2 partitions"],
    ["two that overlap", mbr(one, { ...one, start: 3000 }), "2 partitions that overlap"],
    ["an extended partition", mbr(one, { type: 5, start: 40_000, count: 10_000 }), "an extended partition"],
    ["Linux's own", mbr({ ...one, type: 0x83 }), "a partition of type 83"],
    ["a partition of type 0", mbr({ ...one, type: 0 }), "a partition of type 00"],
    ["one beyond the end", mbr({ ...one, count: 131_072 - 2047 }), "a partition that ends beyond the stick"],
    [
      "a count that overflows 32 bits",
      mbr({ ...one, start: 0xffff_ffff, count: 0xffff_ffff }),
      "a partition that ends beyond the stick",
    ],
    ["one over the table itself", mbr({ ...one, start: 0 }), "a partition over the partition table, or of no size"],
    ["one of no size", mbr({ ...one, count: 0 }), "a partition over the partition table, or of no size"],
    ["an odd active byte", mbr({ ...one, active: 0x7f }), "neither a partition table nor a FAT or exFAT file system"],
    [
      "a table and a file system at once",
      patched(fat32(), [450, 1, 0x0c], [454, 4, 2048], [458, 4, 10]),
      "a file system and a partition table in one sector",
    ],
    [
      "a GPT beside an MBR (hybrid)",
      mbr({ type: 0xee, start: 1, count: 100 }, one),
      "a GPT with an MBR of its own beside it",
    ],
    ["a protective MBR alone", mbr({ type: 0xee, start: 1, count: 100 }), "no GPT where one is said"],
    [
      "a GPT with two partitions",
      gpt([
        { first: 2048, last: 4095 },
        { first: 5000, last: 6000 },
      ]),
      "2 partitions",
    ],
    ["a GPT without any", gpt([]), "0 partitions"],
    [
      "a GPT with a system partition",
      gpt([{ guid: guids.efiSystem, first: 2048, last: 4095 }]),
      "a partition that is not for data",
    ],
    [
      "a GPT partition over its entries",
      gpt([{ first: 8, last: 4095 }]),
      "a partition outside of what the GPT has for them",
    ],
    [
      "a GPT partition that ends before it begins",
      gpt([{ first: 4000, last: 3000 }]),
      "a partition over the partition table, or of no size",
    ],
    [
      "a GPT beyond the end",
      gpt([{ first: 2048, last: 131_072 }], [[560, 8, 131_080]]),
      "a partition that ends beyond the stick",
    ],
    [
      "a changed GPT header",
      patched(gpt([{ first: 2048, last: 4095 }]), [560, 8, 99]),
      "a GPT header whose checksum is wrong",
    ],
    [
      "changed GPT entries",
      patched(gpt([{ first: 2048, last: 4095 }]), [1024 + 32, 8, 2049]),
      "GPT entries whose checksum is wrong",
    ],
    ["GPT entries far away", gpt([{ first: 2048, last: 4095 }], [[584, 8, 1000]]), "a GPT whose entries are elsewhere"],
    [
      "GPT entries over the header",
      gpt([{ first: 2048, last: 4095 }], [[584, 8, 1]]),
      "a GPT whose entries are elsewhere",
    ],
    [
      "a million GPT entries",
      gpt([{ first: 2048, last: 4095 }], [[592, 4, 1_000_000]]),
      "a GPT of 1000000 entries of 128 bytes",
    ],
    [
      "a GPT header of no size",
      patched(gpt([{ first: 2048, last: 4095 }]), [524, 4, 0]),
      "a GPT header of an odd size",
    ],
    [
      "a GPT header that stands elsewhere",
      gpt([{ first: 2048, last: 4095 }], [[536, 8, 2]]),
      "a GPT header that says it stands elsewhere",
    ],
    [
      "a GPT number beyond any stick",
      gpt([{ first: 2048, last: 4095 }], [[1060, 4, 0x7fffffff]]),
      "GPT entries whose checksum is wrong",
    ],
  ])("T28: refuses %s", (_, bytes, got) => {
    expect(refusalOf(() => read(bytes))).toMatchObject({ code: "STICK-FORM", got });
  });

  it("T28: refuses sectors of an odd size, and a stick with fewer bytes than a table takes", () => {
    expect(refusalOf(() => readPartitionTable(mbr(one), { ...area, sectorBytes: 520 }))).toMatchObject({
      code: "STICK-FORM",
    });
    expect(refusalOf(() => read(mbr(one).subarray(0, 512)))).toMatchObject({ code: "STICK-FORM" });
    expect(refusalOf(() => readPartitionTable(new Uint8Array(0), { bytes: 0, sectorBytes: 512 }))).toMatchObject({
      code: "STICK-FORM",
    });
  });

  it("T28: counts in the stick's own sectors", () => {
    const wide = { bytes: stickBytes, sectorBytes: 4096 };
    expect(readPartitionTable(mbr({ ...one, start: 256, count: 1000 }), wide)).toEqual({
      table: "mbr",
      start: 1 << 20,
      bytes: 4_096_000,
    });
  });
});
