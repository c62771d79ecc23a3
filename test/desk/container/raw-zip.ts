/** ZIP files byte by byte: right as they come, wrong where a test says something else of an entry or the end. */

import { crc32, deflateRawSync } from "node:zlib";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";

/** What one header says of an entry. */
export interface Said {
  readonly name: Uint8Array;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly extra: Uint8Array;
  /** of the central header alone */
  readonly comment: Uint8Array;
  readonly attributes: number;
  readonly at: number;
}

export interface RawEntry {
  readonly name: string | Uint8Array;
  readonly data?: string | Uint8Array;
  readonly deflate?: boolean;
  /** what both headers say */
  readonly both?: Partial<Said>;
  readonly local?: Partial<Said>;
  readonly central?: Partial<Said> | ((right: Said) => Partial<Said>);
  /** what stands before it, and after its bytes */
  readonly before?: Uint8Array;
  readonly after?: (right: Said) => Uint8Array;
}

export interface RawEnd {
  readonly before?: Uint8Array;
  readonly after?: Uint8Array;
  readonly comment?: Uint8Array;
  readonly entries?: number;
  readonly length?: number;
  readonly at?: number;
  /** ZIP64 records before the end record; what they say instead */
  readonly zip64?: Partial<Record<"entries" | "here" | "length" | "at" | "locator" | "size", number>>;
}

export function rawZip(entries: readonly RawEntry[], end: RawEnd = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const put = (bytes: Uint8Array) => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const entry of entries) {
    put(entry.before ?? none);
    const said = saidOf(entry, at);
    put(localOf({ ...said, ...entry.local }));
    put(bytesOf(entry));
    put(entry.after?.(said) ?? none);
    const other = typeof entry.central === "function" ? entry.central(said) : entry.central;
    directory.push(centralOf({ ...said, ...other }));
  }
  put(end.before ?? none);
  return concat([
    ...parts,
    ...directory,
    endOf(end, { at, length: concat(directory).length, entries: entries.length }),
  ]);
}

/** The stored files of a ZIP file, read tolerantly, from local header to local header. */
export function storedFiles(zip: Uint8Array): Map<string, Uint8Array> {
  const view = Buffer.from(zip.buffer, zip.byteOffset, zip.length);
  const found = new Map<string, Uint8Array>();
  for (let at = 0; at + 30 <= view.length && view.readUInt32LE(at) === 0x04034b50; ) {
    const [size, name, extra] = [view.readUInt32LE(at + 18), view.readUInt16LE(at + 26), view.readUInt16LE(at + 28)];
    const start = at + 30 + name + extra;
    found.set(view.toString("utf8", at + 30, at + 30 + name), new Uint8Array(view.subarray(start, start + size)));
    at = start + size;
  }
  return found;
}

/** Little-endian numbers, each with its width in bytes. */
export function numbers(...all: readonly (readonly [width: number, value: number])[]): Uint8Array {
  return concat(
    all.map(([width, value]) =>
      Uint8Array.from({ length: width }, (_, byte) => Math.floor(value / 2 ** (8 * byte)) % 256),
    ),
  );
}

export function extraField(id: number, data: Uint8Array): Uint8Array {
  return concat([numbers([2, id], [2, data.length]), data]);
}

const none = new Uint8Array(0);

function contentOf({ data = "" }: RawEntry): Uint8Array {
  return typeof data === "string" ? utf8(data) : data;
}

function bytesOf(entry: RawEntry): Uint8Array {
  return entry.deflate ? deflateRawSync(contentOf(entry)) : contentOf(entry);
}

function saidOf(entry: RawEntry, at: number): Said {
  const name = typeof entry.name === "string" ? utf8(entry.name) : entry.name;
  return {
    name,
    flags: name.some((byte) => byte > 0x7f) ? 0x0800 : 0,
    method: entry.deflate ? 8 : 0,
    crc: crc32(contentOf(entry)),
    compressed: bytesOf(entry).length,
    size: contentOf(entry).length,
    extra: none,
    comment: none,
    attributes: 0o100644 * 0x10000,
    at,
    ...entry.both,
  };
}

const common = ({ compressed, crc, extra, flags, method, name, size }: Said) =>
  numbers(
    [2, 20],
    [2, flags],
    [2, method],
    [2, 0],
    [2, 0x21],
    [4, crc],
    [4, compressed],
    [4, size],
    [2, name.length],
    [2, extra.length],
  );

function localOf(said: Said): Uint8Array {
  return concat([numbers([4, 0x04034b50]), common(said), said.name, said.extra]);
}

function centralOf(said: Said): Uint8Array {
  const { at, attributes, comment, extra, name } = said;
  const rest = numbers([2, comment.length], [2, 0], [2, 0], [4, attributes], [4, at]);
  return concat([numbers([4, 0x02014b50], [2, 0x0314]), common(said), rest, name, extra, comment]);
}

function endOf(
  { after = none, comment = none, zip64, ...end }: RawEnd,
  right: Record<"at" | "entries" | "length", number>,
) {
  const said = { ...right, ...(zip64 ? { entries: 0xffff, length: 0xffffffff, at: 0xffffffff } : {}), ...end };
  const last = numbers(
    [4, 0x06054b50],
    [4, 0],
    [2, said.entries],
    [2, said.entries],
    [4, said.length],
    [4, said.at],
    [2, comment.length],
  );
  if (!zip64) return concat([last, comment, after]);
  const { at, entries, length, locator, size, here } = {
    size: 44,
    locator: right.at + right.length,
    ...right,
    ...zip64,
  } as Required<NonNullable<RawEnd["zip64"]>>;
  const end64 = numbers(
    [4, 0x06064b50],
    [8, size],
    [4, 0x002d002d],
    [8, 0],
    [8, here ?? entries],
    [8, entries],
    [8, length],
    [8, at],
  );
  return concat([end64, numbers([4, 0x07064b50], [4, 0], [8, locator], [4, 1]), last, comment, after]);
}
