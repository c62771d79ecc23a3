/** What an entry of a container may be: a plain file of a path that means one file everywhere, stored or deflated, and nothing beside its bytes. Pure. */

import type { Entry, ExtraField, LocalFileHeader } from "yauzl";
import { checkDocumentName, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** Longest path in bytes, and its most names: a document's name has 255 bytes, and no path of ours four folders. What a path costs in memory is bounded by both. */
const mostPath = 300;
const mostNames = 4;
/** Most bytes that come of one compressed byte; and what a small file may have beyond that. */
const mostRatio = 200;
const spared = 64 * 1024;

export const flags = { encrypted: 0x0001, descriptor: 0x0008, strong: 0x0040, utf8: 0x0800, masked: 0x2000 } as const;

/** ZIP64's sizes; times and owners as Info-ZIP and Windows write them. Anything else could hold a second name, or what nothing covers. */
const knownExtra: readonly number[] = [0x0001, 0x000a, 0x5455, 0x7875];

/**
 * The path of an entry of the central directory. Refuses MEDIA-NAME a path that climbs, is absolute, is no UTF-8 or is none on FAT; MEDIA-KIND folders, links
 * and devices; MEDIA-LIMIT what unpacks to too much; BUNDLE-FORM encryption, other compression, and what stands beside the file.
 */
export function checkEntry(entry: Entry): string {
  const path = pathOf(entry);
  checkKind(entry, path);
  checkCoding(entry, path);
  checkBeside(entry, path);
  return path;
}

/** Refuses BUNDLE-FORM a local header that says something else than the directory. */
export function checkLocal(entry: Entry, local: LocalFileHeader, extra: readonly ExtraField[], path: string): void {
  const later = (entry.generalPurposeBitFlag & flags.descriptor) !== 0;
  const sizes = localSizes(local, extra);
  const same = (here: number, there: number) => here === there || (later && here === 0);
  if (
    Buffer.compare(local.fileName, entry.fileNameRaw) !== 0 ||
    local.generalPurposeBitFlag !== entry.generalPurposeBitFlag ||
    local.compressionMethod !== entry.compressionMethod ||
    !same(local.crc32, entry.crc32) ||
    !same(sizes.compressed, entry.compressedSize) ||
    !same(sizes.uncompressed, entry.uncompressedSize)
  ) {
    throw form(path, "its two headers contradict each other");
  }
  checkExtra(extra, path);
}

/** Whether `bytes` are all of the data descriptor of an entry, in one of its forms (4.3.9): with its signature or without, sizes of 4 or 8 bytes. */
export function checkDescriptor({ compressedSize, crc32, uncompressedSize }: Entry, bytes: Uint8Array): boolean {
  const signed = bytes.length === 16 || bytes.length === 24;
  const wide = bytes.length === 20 || bytes.length === 24;
  if (!signed && !wide && bytes.length !== 12) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const from = signed ? 4 : 0;
  if (signed && view.getUint32(0, true) !== 0x08074b50) return false;
  const size = (at: number) =>
    wide ? view.getBigUint64(from + 4 + 8 * at, true) : BigInt(view.getUint32(from + 4 + 4 * at, true));
  return (
    view.getUint32(from, true) === crc32 && size(0) === BigInt(compressedSize) && size(1) === BigInt(uncompressedSize)
  );
}

function pathOf({ fileNameRaw, generalPurposeBitFlag }: Entry): string {
  if (fileNameRaw.length > mostPath) throw name(fileNameRaw.toString("latin1"), `is longer than ${mostPath} bytes`);
  if (!fileNameRaw.every((byte) => byte < 0x80) && (generalPurposeBitFlag & flags.utf8) === 0) {
    throw name(fileNameRaw.toString("latin1"), "does not say in which encoding it is");
  }
  let path: string;
  try {
    path = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(fileNameRaw);
  } catch {
    throw name(fileNameRaw.toString("latin1"), "is no UTF-8");
  }
  if (path.endsWith("/")) {
    throw new Refusal("MEDIA-KIND", "an entry is a folder", { expected: "files only", got: shown(path), about: path });
  }
  const steps = path.split("/");
  if (steps.length > mostNames) throw name(path, `has more than ${mostNames} names`);
  for (const step of steps) {
    try {
      checkDocumentName(step);
    } catch {
      throw name(path, "climbs, is absolute, or is no path on every file system");
    }
  }
  return path;
}

/** Of the mode that Unix programs note, and of the attributes of DOS. */
function checkKind({ externalFileAttributes }: Entry, path: string): void {
  const type = (externalFileAttributes >>> 28) & 0xf;
  if ((type === 0 || type === 8) && (externalFileAttributes & 0x18) === 0) return;
  throw new Refusal("MEDIA-KIND", "an entry is no plain file", {
    expected: "files only",
    got: type === 10 ? "a link" : "a folder or device",
    about: path,
  });
}

function checkCoding(entry: Entry, path: string): void {
  const { compressedSize, compressionMethod, generalPurposeBitFlag, uncompressedSize } = entry;
  if ((generalPurposeBitFlag & (flags.encrypted | flags.strong | flags.masked)) !== 0) {
    throw form(path, "it is encrypted");
  }
  if (compressionMethod !== 0 && compressionMethod !== 8) {
    throw form(path, "it is compressed in another way", "stored, or deflate", `method ${compressionMethod}`);
  }
  if (compressionMethod === 0 && compressedSize !== uncompressedSize) throw form(path, "it is stored with two sizes");
  if (uncompressedSize > compressedSize * mostRatio + spared) {
    throw new Refusal("MEDIA-LIMIT", "a file unpacks to far more than it is", {
      expected: `at most ${mostRatio} bytes of one`,
      got: `${uncompressedSize} of ${compressedSize}`,
      about: path,
    });
  }
}

function checkBeside({ extraFields, fileCommentRaw }: Entry, path: string): void {
  if (fileCommentRaw.length > 0) throw form(path, "it has a comment, which nothing covers");
  checkExtra(extraFields, path);
}

function checkExtra(extra: readonly ExtraField[], path: string): void {
  const ids = extra.map(({ id }) => id);
  const odd = ids.find((id, at) => !knownExtra.includes(id) || ids.indexOf(id) !== at);
  if (odd !== undefined)
    throw form(path, "it has an extra field that nothing covers", undefined, `0x${odd.toString(16)}`);
}

/** ZIP64's extra field of a local header has both sizes (4.5.3). */
function localSizes(local: LocalFileHeader, extra: readonly ExtraField[]) {
  const short = { compressed: local.compressedSize, uncompressed: local.uncompressedSize };
  const field = extra.find(({ id }) => id === 0x0001)?.data;
  if (field?.length !== 16 || short.compressed !== 0xffffffff || short.uncompressed !== 0xffffffff) return short;
  return { compressed: Number(field.readBigUInt64LE(8)), uncompressed: Number(field.readBigUInt64LE(0)) };
}

function name(path: string, wrong: string): Refusal {
  return new Refusal("MEDIA-NAME", `the path ${shown(path)} ${wrong}`, { about: path });
}

function form(path: string, message: string, expected?: string, got?: string): Refusal {
  return new Refusal("BUNDLE-FORM", `an entry cannot be taken: ${message}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    about: path,
  });
}
