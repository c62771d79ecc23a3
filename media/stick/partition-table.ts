/**
 * T28: where on a stick the one file system lies, by the stick's first bytes. An MBR with one primary partition, a GPT
 * (UEFI 2.10, 5.3) with one basic data partition, or no table at all. Everything else is refused: what Linux and the
 * computer that filled the stick could take for different things. Pure.
 */

import { crc32 } from "node:zlib";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { hasFatJump, isExfat, isSectorSize } from "./volume-form.ts";

export interface Area {
  readonly bytes: number;
  readonly sectorBytes: number;
}

export interface Place {
  readonly table: "none" | "mbr" | "gpt";
  /** in bytes, from the stick's beginning */
  readonly start: number;
  readonly bytes: number;
}

/** Bytes at the beginning of a stick, and of its file system, that are read and judged. */
export const headBytes = 64 * 1024;

/** FAT16 (04, 06, 0e), FAT32 (0b, 0c), exFAT (07, which NTFS has too: its boot sector is refused). */
const dataTypes: readonly number[] = [0x04, 0x06, 0x07, 0x0b, 0x0c, 0x0e];
const extendedTypes: readonly number[] = [0x05, 0x0f, 0x85];
const protective = 0xee;
/** Microsoft's basic data partition, as it stands on the disk. */
const basicData = "a2a0d0ebe5b9334487c068b6b72699c7";

interface Entry {
  readonly active: number;
  readonly type: number;
  readonly start: number;
  readonly count: number;
}

/** Finds the place of the file system. `head` holds the stick's first `headBytes` bytes, or all of a smaller one. Refuses with STICK-FORM. */
export function readPartitionTable(head: Uint8Array, stick: Area): Place {
  if (!isSectorSize(stick.sectorBytes)) throw odd(`sectors of ${stick.sectorBytes} bytes`);
  if (head.length < Math.min(headBytes, stick.bytes) || head.length < 2 * stick.sectorBytes) {
    throw odd("fewer bytes than a table takes");
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (view.getUint16(510, true) !== 0xaa55) throw odd("no boot signature (55 aa)");
  const entries = [446, 462, 478, 494].map((at) => entryAt(view, at));
  const isTable = entries.every(({ active }) => active === 0 || active === 0x80);
  const used = entries.filter(({ type, count }) => type !== 0 || count !== 0);
  if (isBootSector(head)) {
    if (isTable && used.length > 0) throw odd("a file system and a partition table in one sector");
    return { table: "none", start: 0, bytes: stick.bytes };
  }
  if (!isTable) throw odd("neither a partition table nor a FAT or exFAT file system");
  return used.some(({ type }) => type === protective) ? gptPlace(head, view, used, stick) : mbrPlace(used, stick);
}

function mbrPlace(used: readonly Entry[], stick: Area): Place {
  const [only] = used;
  if (only === undefined) throw odd("an empty partition table");
  if (used.some(({ type }) => extendedTypes.includes(type))) throw odd("an extended partition");
  if (used.length > 1) throw odd(`${used.length} partitions${overlapWords(used)}`);
  if (!dataTypes.includes(only.type)) throw odd(`a partition of type ${only.type.toString(16).padStart(2, "0")}`);
  return placeOf("mbr", only.start, only.start + only.count, stick);
}

function gptPlace(head: Uint8Array, view: DataView, used: readonly Entry[], stick: Area): Place {
  const [only] = used;
  if (used.length > 1 || only?.type !== protective || only.start !== 1)
    throw odd("a GPT with an MBR of its own beside it");
  const header = stick.sectorBytes;
  if (Buffer.from(head.subarray(header, header + 8)).toString("latin1") !== "EFI PART")
    throw odd("no GPT where one is said");
  const size = view.getUint32(header + 12, true);
  if (size < 92 || size > stick.sectorBytes) throw odd("a GPT header of an odd size");
  const covered = head.slice(header, header + size);
  covered.fill(0, 16, 20);
  if (crc32(covered) !== view.getUint32(header + 16, true)) throw odd("a GPT header whose checksum is wrong");
  if (at64(view, header + 24) !== 1) throw odd("a GPT header that says it stands elsewhere");
  const [first, last] = [at64(view, header + 40), at64(view, header + 48)];
  const entries = gptEntries(head, view, header, stick);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) throw odd(`${entries.length} partitions`);
  if (entry.type !== basicData) throw odd("a partition that is not for data");
  if (entry.start < first || entry.end > last + 1) throw odd("a partition outside of what the GPT has for them");
  return placeOf("gpt", entry.start, entry.end, stick);
}

function gptEntries(head: Uint8Array, view: DataView, header: number, stick: Area) {
  const start = at64(view, header + 72) * stick.sectorBytes;
  const [count, size] = [view.getUint32(header + 80, true), view.getUint32(header + 84, true)];
  if (size !== 128 || count < 1 || count > 256) throw odd(`a GPT of ${count} entries of ${size} bytes`);
  if (start < header + stick.sectorBytes || start + count * size > head.length)
    throw odd("a GPT whose entries are elsewhere");
  const table = head.subarray(start, start + count * size);
  if (crc32(table) !== view.getUint32(header + 88, true)) throw odd("GPT entries whose checksum is wrong");
  const none = new Uint8Array(16);
  return Array.from({ length: count }, (_, nth) => start + nth * size)
    .filter((at) => !equal(head.subarray(at, at + 16), none))
    .map((at) => ({
      type: hex(head.subarray(at, at + 16)),
      start: at64(view, at + 32),
      end: at64(view, at + 40) + 1,
    }));
}

/** Sectors from `start` to before `end`. */
function placeOf(table: "mbr" | "gpt", start: number, end: number, { bytes, sectorBytes }: Area): Place {
  if (start < 1 || end <= start) throw odd("a partition over the partition table, or of no size");
  if (end * sectorBytes > bytes) throw odd("a partition that ends beyond the stick");
  return { table, start: start * sectorBytes, bytes: (end - start) * sectorBytes };
}

/** A sector that Linux, too, takes for the beginning of a file system and not for a table (block/partitions/msdos.c). */
function isBootSector(head: Uint8Array): boolean {
  if (isExfat(head)) return true;
  const sector = (head[11] as number) | ((head[12] as number) << 8);
  return hasFatJump(head) && isSectorSize(sector) && (head[21] as number) >= 0xf0 && head[16] !== 0;
}

function entryAt(view: DataView, at: number): Entry {
  const [active, type] = [view.getUint8(at), view.getUint8(at + 4)];
  return { active, type, start: view.getUint32(at + 8, true), count: view.getUint32(at + 12, true) };
}

function overlapWords(entries: readonly Entry[]): string {
  const sorted = entries.toSorted((a, b) => a.start - b.start);
  const overlap = sorted.some(({ start }, nth) => {
    const before = sorted[nth - 1];
    return before !== undefined && start < before.start + before.count;
  });
  return overlap ? " that overlap" : "";
}

/** A 64-bit number; beyond what is safe to count with there is no stick. */
function at64(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) / 4096n) throw odd("a number beyond any stick");
  return Number(value);
}

function odd(what: string): Refusal {
  return new Refusal("STICK-FORM", `the stick's partition table is refused: ${what}`, { got: what });
}
