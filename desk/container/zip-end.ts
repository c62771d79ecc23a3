/**
 * The end of a ZIP file, read strictly (PKWARE APPNOTE 6.3.10, 4.3.14 to 4.3.16): the directory ends where the end records begin, these end with the
 * file, and what they say twice agrees, so that every program finds one and the same directory.
 */

import { Refusal } from "../../manifests/refusal.ts";

/** Bytes of an open file at an offset; fewer where it ends. */
export type ReadAt = (at: number, length: number) => Uint8Array;

export interface Directory {
  readonly entries: number;
  /** where it begins and ends */
  readonly at: number;
  readonly end: number;
  readonly comment: string;
}

const endLength = 22;
const locatorLength = 20;
const end64Length = 56;
/** The longest comment that is taken; the standard's own, `mimetype=…`, is shorter. */
const mostComment = 100;

/** Refuses BUNDLE-FORM what is no ZIP file, has bytes after it, or tells its directory in two ways. */
export function readZipEnd(read: ReadAt, size: number): Directory {
  const { at, bytes, comment } = findEnd(read, size);
  const said = { entries: bytes.getUint16(10, true), length: u32(bytes, 12), at: u32(bytes, 16) };
  const whole = readEnd64(read, at) ?? { ...said, end: at };
  const same = (short: number, full: number, most: number) => short === full || short === most;
  if (
    u32(bytes, 4) !== 0 ||
    bytes.getUint16(8, true) !== said.entries ||
    !same(said.entries, whole.entries, 0xffff) ||
    !same(said.length, whole.length, 0xffffffff) ||
    !same(said.at, whole.at, 0xffffffff)
  ) {
    throw form("its end records contradict each other");
  }
  if (whole.at + whole.length !== whole.end) {
    throw form("its directory does not end where its end records begin");
  }
  return { entries: whole.entries, at: whole.at, end: whole.end, comment };
}

/** The end record, which is the last thing in the file but for a short comment. */
function findEnd(read: ReadAt, size: number) {
  const most = Math.min(size, endLength + mostComment);
  const tail = read(size - most, most);
  for (let at = tail.length - endLength; at >= 0; at--) {
    const bytes = view(tail.subarray(at));
    if (u32(bytes, 0) !== 0x06054b50 || bytes.getUint16(20, true) !== tail.length - at - endLength) continue;
    const comment = new TextDecoder("latin1").decode(tail.subarray(at + endLength));
    return { at: size - tail.length + at, bytes, comment };
  }
  throw form("it does not end as a ZIP file does");
}

/** The ZIP64 records, where there are any: right before the end record. */
function readEnd64(read: ReadAt, end: number) {
  if (end < locatorLength + end64Length) return undefined;
  const locator = view(read(end - locatorLength, locatorLength));
  if (u32(locator, 0) !== 0x07064b50) return undefined;
  const at = end - locatorLength - end64Length;
  const bytes = view(read(at, end64Length));
  const [entries, length, start] = [u64(bytes, 32), u64(bytes, 40), u64(bytes, 48)];
  if (
    u32(bytes, 0) !== 0x06064b50 ||
    u64(bytes, 4) !== end64Length - 12 ||
    u64(locator, 8) !== at ||
    u32(locator, 4) !== 0 ||
    u32(locator, 16) > 1 ||
    u64(bytes, 16) !== 0 ||
    u64(bytes, 24) !== entries
  ) {
    throw form("its ZIP64 end records contradict each other");
  }
  return { entries, length, at: start, end: at };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function u32(bytes: DataView, at: number): number {
  return bytes.getUint32(at, true);
}

/** Refuses what no file is long enough for. */
function u64(bytes: DataView, at: number): number {
  const value = bytes.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw form("an offset or a length beyond any file");
  return Number(value);
}

function form(message: string): Refusal {
  return new Refusal("BUNDLE-FORM", `this is no container: ${message}`);
}
