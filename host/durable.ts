/**
 * The one file that owns durable writes. What each function guarantees on return:
 *
 * - `writeDurable`: the file holds exactly the new content, under its final name, on the disk; after a crash at any
 *   moment the name shows the old content or the new, never a part.
 * - `syncFile`, `syncFolder`, `syncTree`, `syncFileSystem`: what was written before is on the disk.
 * - `moveDurable`, `removeDurable`, `makeFolder`: the change of names is on the disk.
 *
 * All refuse with STORE. **A failed fsync is final for that file**: the kernel may have dropped the pages and would
 * report success next time (fsyncgate), so nothing here tries one twice; the file must be written anew from its source.
 */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, fsync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { Refusal } from "../manifests/refusal.ts";
import { makeMissingFolders } from "./missing-folders.ts";
import { checkPlain, kindOf, namesIn, openFileIn, openFolderIn, openRoot, statIn } from "./no-follow.ts";
import { turns } from "./read-file.ts";
import { removeTree } from "./remove-tree.ts";

export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface TreeSize {
  readonly files: number;
  readonly bytes: number;
}

/** From so many files on, one syncfs is cheaper than an fsync for each (measured: ten times). */
const filesSyncedOneByOne = 64;

/**
 * Writes a file and makes it durable: temporary name beside it (exclusive), fsync, rename over `path`, fsync of the
 * folder. `mode` is 0o600 unless said. When it refuses, `path` is as it was, or (failed fsync of the folder) may show
 * either content after a crash.
 */
export async function writeDurable(path: string, content: Content, options: { mode?: number } = {}): Promise<void> {
  const temporary = `${dirname(path)}/${temporaryName()}`;
  await stored(path, async () => {
    const file = await open(temporary, "wx", options.mode ?? 0o600);
    try {
      await writePieces(file, content);
      await file.sync();
      await file.close();
      await rename(temporary, path);
    } catch (fault) {
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true }).catch(() => undefined);
      throw fault;
    }
  });
  await syncFolder(dirname(path));
}

/** Whether a name is one that `writeDurable` leaves behind when it is killed; such a file may be removed at any start. */
export function isTemporary(name: string): boolean {
  return /^\.tmp-[0-9a-f]{16}$/.test(name);
}

/** Makes a file's content durable. */
export async function syncFile(path: string): Promise<void> {
  await syncOpened(path, constants.O_RDONLY | constants.O_NOFOLLOW);
}

/** Makes the names in a folder durable, not what they name. */
export async function syncFolder(path: string): Promise<void> {
  await syncOpened(path, constants.O_RDONLY | constants.O_DIRECTORY);
}

/**
 * Makes a folder and all that stands in it durable, folders after what they hold: what another process wrote
 * that may not sync itself (intake). Refuses with MEDIA-KIND anything but folders and regular files with one link.
 */
export async function syncTree(path: string): Promise<TreeSize> {
  const root = openRoot(path);
  try {
    const found = await survey(root);
    const oneByOne = found.files <= filesSyncedOneByOne;
    if (!oneByOne) await syncFileSystem(path);
    await stored(path, () => syncBelow(root, oneByOne));
    return found;
  } finally {
    closeSync(root);
  }
}

/**
 * Makes everything on the file system of `folder` durable (`sync -f`, syncfs(2); Node has none). The kernel
 * reports write errors of the whole file system since Linux 5.8.
 */
export async function syncFileSystem(folder: string): Promise<void> {
  await stored(folder, async () => {
    const opened = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await syncfs(opened.fd);
    } finally {
      await opened.close();
    }
  });
}

/**
 * Renames within one file system and makes both folders durable. A file at `to` is replaced; a folder there must be
 * empty. On return the thing is at `to` and only there, also after a crash.
 */
export async function moveDurable(from: string, to: string): Promise<void> {
  await stored(to, () => rename(from, to));
  await syncFolder(dirname(to));
  if (resolve(dirname(from)) !== resolve(dirname(to))) await syncFolder(dirname(from));
}

/** Removes a file or a whole folder, if it is there, and makes that durable. A folder is first renamed away, so that no half of it is seen. */
export async function removeDurable(path: string): Promise<void> {
  const folder = dirname(path);
  const doomed = `${folder}/${temporaryName()}`;
  const moved = await rename(path, doomed).then(
    () => true,
    (fault: NodeJS.ErrnoException) => {
      if (fault.code === "ENOENT") return false;
      throw storeFault(path, fault);
    },
  );
  if (!moved) return;
  await syncFolder(folder);
  await stored(path, () => removeTree(doomed));
  await syncFolder(folder);
}

/** Makes a folder and those above it, as far as they are missing (mode 0o700 unless said), and makes their names durable. */
export async function makeFolder(path: string, mode = 0o700): Promise<void> {
  for (const made of await stored(path, () => makeMissingFolders(path, mode))) await syncFolder(dirname(made));
}

function temporaryName(): string {
  return `.tmp-${randomBytes(8).toString("hex")}`;
}

async function writePieces(file: FileHandle, content: Content): Promise<void> {
  const pieces = content instanceof Uint8Array ? [content] : content;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) at += (await file.write(piece, at, piece.length - at)).bytesWritten;
  }
}

async function syncOpened(path: string, flags: number): Promise<void> {
  await stored(path, async () => {
    const file = await open(path, flags);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** By descriptor, so that it is surely the file system that was opened, also for paths below /proc/self. */
function syncfs(folder: number): Promise<void> {
  const child = spawn("sync", ["-f", "/proc/self/fd/3"], { stdio: ["ignore", "ignore", "pipe", folder] });
  let said = "";
  child.stderr?.on("data", (text: Buffer) => {
    said += text.toString("latin1").slice(0, 500);
  });
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (status) => (status === 0 ? done() : failed(new Error(`sync failed: ${said.trim()}`))));
  });
}

const syncDescriptor = promisify(fsync);

/** Counts what stands below a folder and refuses with MEDIA-KIND what `syncTree` does not take. */
async function survey(folder: number): Promise<TreeSize> {
  let files = 0;
  let bytes = 0;
  for (const name of namesIn(folder)) {
    if (++files % 1000 === 0) await setImmediate();
    const stat = statIn(folder, name);
    if (!stat) throw new Refusal("STORE", "a folder changes while it is made durable", { about: name });
    if (kindOf(stat) === "folder") {
      const inner = await within(folder, name, survey);
      files += inner.files - 1;
      bytes += inner.bytes;
    } else {
      checkPlain(stat, name);
      bytes += Number(stat.size);
    }
  }
  return { files, bytes };
}

/** Syncs the files below a folder, if asked, then the folders, innermost first. */
async function syncBelow(folder: number, filesToo: boolean, giveWay = turns()): Promise<void> {
  for (const name of namesIn(folder)) {
    await giveWay();
    const stat = statIn(folder, name);
    if (stat && kindOf(stat) === "folder") await within(folder, name, (inner) => syncBelow(inner, filesToo, giveWay));
    else if (filesToo) await syncFileIn(folder, name);
  }
  await syncDescriptor(folder);
}

async function syncFileIn(folder: number, name: string): Promise<void> {
  const file = openFileIn(folder, name);
  if (!file) throw new Refusal("STORE", "a folder changes while it is made durable", { about: name });
  try {
    await syncDescriptor(file.descriptor);
  } finally {
    closeSync(file.descriptor);
  }
}

async function within<T>(folder: number, name: string, work: (inner: number) => Promise<T>): Promise<T> {
  const inner = openFolderIn(folder, name);
  if (inner === undefined) throw new Refusal("STORE", "a folder changes while it is made durable", { about: name });
  try {
    return await work(inner);
  } finally {
    closeSync(inner);
  }
}

/** Runs what may fail at the disk; everything but a refusal becomes STORE. */
async function stored<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (fault) {
    throw fault instanceof Refusal ? fault : storeFault(path, fault as NodeJS.ErrnoException);
  }
}

function storeFault(path: string, cause: NodeJS.ErrnoException): Refusal {
  return new Refusal("STORE", `${path} could not be made durable (${cause.code ?? cause.message})`, {
    about: path,
    cause,
  });
}
