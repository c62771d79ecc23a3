/** Which files a batch is made of, and their copy onto the stick with one pass of hashing. */

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import type { HashName } from "../manifests/cms/suite.ts";
import { checkDocumentName, collisionKey, shown } from "../manifests/records/names.ts";
import type { ListedDocument } from "../manifests/records/request.ts";
import { Refusal } from "../manifests/refusal.ts";

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
  const stats = await lstat(path).catch((cause) => {
    throw new Refusal("USAGE", `no such document: ${shown(path)}`, { about: path, cause });
  });
  if (!stats.isDirectory()) return [fileAt(path, stats)];
  const entries = await readdir(path);
  entries.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Promise.all(entries.map(async (name) => fileAt(join(path, name), await lstat(join(path, name)))));
}

function fileAt(path: string, stats: { isFile(): boolean; size: number }): SourceFile {
  if (!stats.isFile()) {
    throw new Refusal("MEDIA-KIND", `expected a plain file: ${shown(path)}`, { got: "a folder, link or device" });
  }
  return { path, name: basename(path), size: stats.size };
}

/** Refuses with MEDIA-FULL or MEDIA-LIMIT, before a byte is written, what the stick's file system cannot hold. */
export async function checkRoom(stick: string, files: readonly SourceFile[]): Promise<void> {
  const system = await statfs(stick);
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
 * Copies one file into an open folder path, hashing what it writes; the copy is synced on return. Refuses with
 * MEDIA-CHANGED when the source changed meanwhile.
 */
export async function copyDocument(file: SourceFile, to: string, hash: HashName): Promise<ListedDocument> {
  const source = await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const target = await open(join(to, file.name), flags, 0o644);
    try {
      const before = await source.stat();
      const { digest, size } = await pump(source, target, hash);
      await target.sync();
      const after = await source.stat();
      if (size !== file.size || after.size !== size || after.mtimeMs !== before.mtimeMs) {
        throw new Refusal("MEDIA-CHANGED", `${shown(file.name)} changed while it was copied`, { about: file.path });
      }
      return { digest, name: file.name, size };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function pump(source: FileHandle, target: FileHandle, hash: HashName): Promise<{ digest: string; size: number }> {
  const hasher = createHash(hash);
  const buffer = Buffer.allocUnsafe(piece);
  let size = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, piece, null);
    if (bytesRead === 0) return { digest: hasher.digest("hex"), size };
    const bytes = buffer.subarray(0, bytesRead);
    hasher.update(bytes);
    await target.writeFile(bytes);
    size += bytesRead;
  }
}
