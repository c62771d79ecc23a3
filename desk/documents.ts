/** Which files a batch is made of, and their copy onto the stick with one pass of hashing. */

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import type { HashName } from "../manifests/cms/suite.ts";
import { checkDocumentName, collisionKey, shown } from "../manifests/records/names.ts";
import type { ListedDocument } from "../manifests/records/request.ts";
import { Refusal } from "../manifests/refusal.ts";
import { fileFault } from "./file-fault.ts";

export interface SourceFile {
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

const fat = 0x4d44;
const fatFileBytes = 0xffff_ffff;
const piece = 1 << 20;

/**
 * The files of a batch in order: each path given, a folder standing for the files directly in it, by name bytes.
 * Refuses with MEDIA-KIND what is not a regular file, DOCUMENT-NAME, and DOCUMENT-TWICE names that a FAT stick takes for one.
 */
export async function sourceFiles(paths: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const names = new Map<string, string>();
  for (const path of paths) {
    for (const file of await filesAt(path)) {
      checkDocumentName(file.name);
      const key = collisionKey(file.name);
      const other = names.get(key);
      if (other !== undefined) {
        const message = `two documents are named ${shown(file.name)} (a FAT stick takes them for one)`;
        throw new Refusal("DOCUMENT-TWICE", message, { got: `${other} and ${file.path}`, about: file.name });
      }
      names.set(key, file.path);
      files.push(file);
    }
  }
  if (files.length === 0) throw new Refusal("USAGE", "expected at least one document", { got: "none" });
  return files;
}

async function filesAt(path: string): Promise<SourceFile[]> {
  try {
    const stats = await lstat(path);
    if (!stats.isDirectory()) return [fileAt(path, stats)];
    const entries = await readdir(path);
    entries.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return await Promise.all(entries.map(async (name) => fileAt(join(path, name), await lstat(join(path, name)))));
  } catch (fault) {
    throw fileFault(fault, "read a file", path);
  }
}

function fileAt(path: string, stats: { isFile(): boolean; size: number }): SourceFile {
  if (!stats.isFile()) {
    throw new Refusal("MEDIA-KIND", `expected a plain file: ${shown(path)}`, {
      expected: "a plain file",
      got: "a folder, link or device",
      about: path,
    });
  }
  return { path, name: basename(path), size: stats.size };
}

/** Refuses with MEDIA-FULL or MEDIA-LIMIT, before a byte is written, what the stick's file system cannot hold. */
export async function checkRoom(stick: string, files: readonly SourceFile[]): Promise<void> {
  const system = await statfs(stick).catch((fault) => {
    throw fileFault(fault, "read the stick", stick);
  });
  const needed = files.reduce((sum, file) => sum + file.size + 4096, 1 << 20);
  const free = system.bavail * system.bsize;
  if (needed > free) {
    throw new Refusal("MEDIA-FULL", "the stick has too little room", {
      expected: `${needed} bytes free`,
      got: `${free} bytes free`,
    });
  }
  const long = files.find((file) => file.size > fatFileBytes);
  if (system.type === fat && long) {
    throw new Refusal(
      "MEDIA-LIMIT",
      `${shown(long.name)} is over 4 GiB, which FAT cannot hold: format the stick as exfat`,
      {
        got: `${long.size} bytes`,
      },
    );
  }
}

/**
 * Copies one file into an open folder path, hashing what it writes; the copy is not synced on return. Refuses with
 * MEDIA-CHANGED when the source changed meanwhile, and with what `fileFault` makes of either side's faults.
 */
export async function copyDocument(file: SourceFile, to: string, hash: HashName): Promise<ListedDocument> {
  const hasher = createHash(hash);
  let size = 0;
  const path = join(to, file.name);
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const target = await open(path, flags, 0o644);
    try {
      for await (const bytes of unchanging(file)) {
        hasher.update(bytes);
        await target.writeFile(bytes);
        size += bytes.length;
      }
    } finally {
      await target.close();
    }
  } catch (fault) {
    throw fileFault(fault, "write the stick", path);
  }
  return { digest: hasher.digest("hex"), name: file.name, size };
}

/** The pieces of a file that is as long as it was listed and stays as it is until its end. */
async function* unchanging(file: SourceFile): AsyncGenerator<Uint8Array> {
  let source: FileHandle | undefined;
  try {
    source = await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const before = await source.stat();
    const buffer = Buffer.allocUnsafe(piece);
    let size = 0;
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, piece, null);
      if (bytesRead === 0) break;
      size += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    const after = await source.stat();
    if (size === file.size && after.size === size && after.mtimeMs === before.mtimeMs) return;
    throw new Refusal("MEDIA-CHANGED", `${shown(file.name)} changed while it was copied`, {
      expected: `${file.size} bytes, unchanged`,
      got: size === file.size ? "another time of change" : `${size} bytes`,
      about: file.path,
    });
  } catch (fault) {
    throw fileFault(fault, "read a file", file.path);
  } finally {
    await source?.close();
  }
}
