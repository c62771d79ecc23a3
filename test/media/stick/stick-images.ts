/** First bytes of sticks, made by hand from the specifications: what `mkfs` and `sfdisk` write must be read alike (`stick-images.test.ts`). */

import { crc32 } from "node:zlib";

export const head = 64 * 1024;
export const stickBytes = 64 << 20;
export const area = { bytes: stickBytes, sectorBytes: 512 };

/** Changes bytes of a copy: `[offset, size in bytes, value]`. */
export function patched(
  bytes: Uint8Array,
  ...changes: readonly (readonly [number, 1 | 2 | 4 | 8, number])[]
): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const [at, size, value] of changes) {
    if (size === 1) view.setUint8(at, value);
    else if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
  }
  return copy;
}

function text(bytes: Uint8Array, at: number, words: string): Uint8Array {
  bytes.set(Buffer.from(words, "latin1"), at);
  return bytes;
}

const jump = [
  [0, 1, 0xeb],
  [1, 1, 0x58],
  [2, 1, 0x90],
  [510, 2, 0xaa55],
] as const;

/** FAT32 of `bytes`, in clusters of one sector. */
export function fat32(bytes = stickBytes): Uint8Array {
  const sectors = bytes / 512;
  const fatSectors = Math.ceil((sectors * 4) / 512);
  return text(
    patched(
      new Uint8Array(head),
      ...jump,
      [11, 2, 512],
      [13, 1, 1],
      [14, 2, 32],
      [16, 1, 2],
      [21, 1, 0xf8],
      [32, 4, sectors],
      [36, 4, fatSectors],
      [44, 4, 2],
      [48, 2, 1],
      [50, 2, 6],
      [66, 1, 0x29],
      [67, 4, 0x1a2b3c4d],
      [512, 4, 0x41615252],
      [512 + 484, 4, 0x61417272],
      [512 + 508, 4, 0xaa550000],
      [32 * 512, 4, 0x0ffffff8],
    ),
    82,
    "FAT32   ",
  );
}

/** FAT16 of `bytes`, in clusters of four sectors. */
export function fat16(bytes = stickBytes): Uint8Array {
  const sectors = bytes / 512;
  return patched(
    new Uint8Array(head),
    ...jump,
    [11, 2, 512],
    [13, 1, 4],
    [14, 2, 4],
    [16, 1, 2],
    [17, 2, 512],
    [21, 1, 0xf8],
    [22, 2, 128],
    [32, 4, sectors],
    [38, 1, 0x29],
    [39, 4, 0x5e6f7a8b],
    [4 * 512, 2, 0xfff8],
  );
}

/** exFAT of `bytes`, in clusters of eight sectors; `changes` come before the checksum. */
export function exfat(
  bytes = stickBytes,
  ...changes: readonly (readonly [number, 1 | 2 | 4 | 8, number])[]
): Uint8Array {
  const sectors = bytes / 512;
  const clusters = Math.floor((sectors - 2048) / 8);
  const extended = Array.from({ length: 8 }, (_, nth) => [(nth + 2) * 512 - 4, 4, 0xaa550000] as const);
  const made = text(
    patched(
      new Uint8Array(head),
      [0, 1, 0xeb],
      [1, 1, 0x76],
      [2, 1, 0x90],
      [510, 2, 0xaa55],
      [72, 8, sectors],
      [80, 4, 128],
      [84, 4, Math.ceil(((clusters + 2) * 4) / 512)],
      [88, 4, 2048],
      [92, 4, clusters],
      [96, 4, 4],
      [100, 4, 0x0badcafe],
      [104, 2, 0x0100],
      [108, 1, 9],
      [109, 1, 3],
      [110, 1, 1],
      ...extended,
    ),
    3,
    "EXFAT   ",
  );
  return summed(patched(made, ...changes));
}

/** With the checksum of exFAT's boot region (3.4.1, as the specification's own code has it). */
export function summed(bytes: Uint8Array): Uint8Array {
  let sum = 0;
  for (let at = 0; at < 11 * 512; at++) {
    if (at === 106 || at === 107 || at === 112) continue;
    sum = ((sum & 1 ? 0x80000000 : 0) + (sum >>> 1) + (bytes[at] as number)) % 2 ** 32;
  }
  return patched(bytes, ...Array.from({ length: 128 }, (_, nth) => [11 * 512 + nth * 4, 4, sum] as const));
}

export interface MbrEntry {
  readonly active?: number;
  readonly type: number;
  readonly start: number;
  readonly count: number;
}

export function mbr(...entries: readonly MbrEntry[]): Uint8Array {
  return patched(
    new Uint8Array(head),
    [510, 2, 0xaa55],
    ...entries.flatMap(({ active = 0, type, start, count }, nth) => {
      const at = 446 + nth * 16;
      return [
        [at, 1, active],
        [at + 4, 1, type],
        [at + 8, 4, start],
        [at + 12, 4, count],
      ] as const;
    }),
  );
}

const basicData = "a2a0d0ebe5b9334487c068b6b72699c7";
const efiSystem = "28732ac11ff8d211ba4b00a0c93ec93b";
export const guids = { basicData, efiSystem };

export interface GptEntry {
  readonly guid?: string;
  readonly first: number;
  readonly last: number;
}

/** A GPT; `changes` come before its checksums, `after` behind them. */
export function gpt(
  entries: readonly GptEntry[],
  changes: readonly (readonly [number, 1 | 2 | 4 | 8, number])[] = [],
): Uint8Array {
  const base = mbr({ type: 0xee, start: 1, count: stickBytes / 512 - 1 });
  text(base, 512, "EFI PART");
  const made = patched(
    base,
    [520, 4, 0x10000],
    [524, 4, 92],
    [512 + 24, 8, 1],
    [512 + 32, 8, stickBytes / 512 - 1],
    [512 + 40, 8, 34],
    [512 + 48, 8, stickBytes / 512 - 34],
    [512 + 72, 8, 2],
    [512 + 80, 4, 128],
    [512 + 84, 4, 128],
    ...entries.flatMap(({ first, last }, nth) => [
      [1024 + nth * 128 + 32, 8, first] as const,
      [1024 + nth * 128 + 40, 8, last] as const,
    ]),
  );
  for (const [nth, { guid = basicData }] of entries.entries()) made.set(Buffer.from(guid, "hex"), 1024 + nth * 128);
  const summedEntries = patched(made, [512 + 88, 4, crc32(made.subarray(1024, 1024 + 128 * 128))], ...changes);
  return patched(summedEntries, [528, 4, 0], [528, 4, crc32(patched(summedEntries, [528, 4, 0]).subarray(512, 604))]);
}
