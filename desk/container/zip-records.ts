/** The records of a ZIP file as they are written (PKWARE APPNOTE 6.3.10, 4.3.7 to 4.3.16, 4.5.3): bytes of one entry, and of the end. Pure. */

import { concat } from "../../manifests/encoding/bytes.ts";

/** From here on a number stands in ZIP64 fields. */
export const largest = 0xffffffff;
const mostEntries = 0xffff;

/** One stored file. */
export interface FileFields {
  /** UTF-8 */
  readonly name: Uint8Array;
  readonly crc: number;
  readonly size: number;
  /** whether its sizes stand in ZIP64 fields */
  readonly large: boolean;
  /** where its local header begins */
  readonly at: number;
}

/** Flag 11: the name is UTF-8. Left out where the name is ASCII, which it is in any case. */
const utf8Names = 0x0800;
/** Made on Unix, so that the mode below counts: a regular file, read by all, written by its owner. */
const unix = 3 << 8;
const mode = 0o100644 * 0x10000;
/** 1980-01-01 00:00:00: what is packed says by itself when it was made. */
const date = 0x0021;

/** No extra field but ZIP64's. */
export function localHeader({ crc, large, name, size }: FileFields): Uint8Array {
  const header = fields([
    [4, 0x04034b50],
    [2, large ? 45 : 20],
    ...inBothHeaders({ crc, large, name, size }),
    [2, large ? 20 : 0],
  ]);
  return concat([header, name, large ? extra([size, size]) : new Uint8Array(0)]);
}

export function centralHeader({ at, crc, large, name, size }: FileFields): Uint8Array {
  const far = at >= largest;
  const more = extra([...(large ? [size, size] : []), ...(far ? [at] : [])]);
  const version = large || far ? 45 : 20;
  const header = fields([
    [4, 0x02014b50],
    [2, unix + version],
    [2, version],
    ...inBothHeaders({ crc, large, name, size }),
    [2, more.length],
    [2, 0],
    [2, 0],
    [2, 0],
    [4, mode],
    [4, far ? largest : at],
  ]);
  return concat([header, name, more]);
}

/** What both headers of an entry say, one after the other: flags, how it is stored, when it was changed, CRC, sizes, and how long its name is. */
function inBothHeaders({ crc, large, name, size }: Omit<FileFields, "at">): readonly Field[] {
  const short = large ? largest : size;
  return [
    [2, flagsOf(name)],
    [2, 0],
    [2, 0],
    [2, date],
    [4, crc],
    [4, short],
    [4, short],
    [2, name.length],
  ];
}

/** The central directory's place, and what follows it; no comment. */
export function endRecords({ at, entries, length }: Record<"at" | "entries" | "length", number>): Uint8Array {
  const needed = entries >= mostEntries || length >= largest || at >= largest;
  const end = fields([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(entries, mostEntries)],
    [2, Math.min(entries, mostEntries)],
    [4, Math.min(length, largest)],
    [4, Math.min(at, largest)],
    [2, 0],
  ]);
  if (!needed) return end;
  const end64 = fields([
    [4, 0x06064b50],
    [8, 44],
    [2, unix + 45],
    [2, 45],
    [4, 0],
    [4, 0],
    [8, entries],
    [8, entries],
    [8, length],
    [8, at],
  ]);
  const locator = fields([
    [4, 0x07064b50],
    [4, 0],
    [8, at + length],
    [4, 1],
  ]);
  return concat([end64, locator, end]);
}

function flagsOf(name: Uint8Array): number {
  return name.every((byte) => byte < 0x80) ? 0 : utf8Names;
}

/** ZIP64 extended information; nothing where there is nothing to say. */
function extra(values: readonly number[]): Uint8Array {
  if (values.length === 0) return new Uint8Array(0);
  return fields([[2, 1], [2, 8 * values.length], ...values.map((value) => [8, value] as const)]);
}

/** A number, and its width in bytes. */
type Field = readonly [width: 2 | 4 | 8, value: number];

/** In little-endian order. */
function fields(all: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(all.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of all) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return bytes;
}
