/**
 * Opening what stands below a folder without ever following a link: each folder is opened O_DIRECTORY|O_NOFOLLOW and
 * its entries are reached as `/proc/self/fd/N/NAME`, so that nobody can swap a folder of the path for a link. Files
 * are opened non-blocking and must be regular with one link, so that no FIFO, socket or device is ever read
 * (T1). Linux only.
 */

import {
  type BigIntStats,
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
} from "node:fs";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

export type EntryKind = "file" | "folder" | "link" | "pipe" | "socket" | "device";

/** Hard links matter where a file is taken over, not where somebody's own files are only read. */
export type Links = "one link" | "any links";

/** A regular file, open for reading. `stat` was taken from the descriptor. Whoever asked closes it. */
export interface OpenFile {
  readonly descriptor: number;
  readonly stat: BigIntStats;
}

/** Opens a folder that is trusted as named (links in its path are followed). Refuses with MEDIA-READ or MEDIA-KIND. */
export function openRoot(path: string): number {
  return openAs(path, path, O_RDONLY | O_DIRECTORY);
}

/** Opens the folder `name` in an open folder. Refuses with MEDIA-KIND what is no folder, MEDIA-READ; undefined when nothing is there. */
export function openFolderIn(folder: number, name: string): number | undefined {
  return absent(() => openAs(entryPath(folder, name), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
}

/** Opens a folder some names below an open one; undefined when any is missing. */
export function openFolderBelow(folder: number, names: readonly string[]): number | undefined {
  let at: number | undefined = folder;
  for (const name of names) {
    const next: number | undefined = openFolderIn(at, name);
    if (at !== folder) closeSync(at);
    if (next === undefined) return undefined;
    at = next;
  }
  return at === folder ? openFolderIn(folder, ".") : at;
}

/** Makes `name` in an open folder unless it is there, and opens it. */
export function makeFolderIn(folder: number, name: string): number {
  const there = openFolderIn(folder, name);
  if (there !== undefined) return there;
  mkdirSync(entryPath(folder, name), 0o755);
  return openAs(entryPath(folder, name), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/**
 * Opens the file `name` in an open folder; undefined when nothing is there. Looks before it opens, so that no device
 * is opened for a look, unless a listing showed a regular file just now (`listed`); and looks again at what it opened.
 * Refuses with MEDIA-KIND unless it is a regular file with one link (unless said), MEDIA-READ.
 */
export function openFileIn(
  folder: number,
  name: string,
  links: Links = "one link",
  listed = false,
): OpenFile | undefined {
  if (!listed) {
    const before = statIn(folder, name);
    if (!before) return undefined;
    checkPlain(before, name, links);
  }
  const descriptor = absent(() => openAs(entryPath(folder, name), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (descriptor === undefined) return undefined;
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    checkPlain(stat, name, links);
    return { descriptor, stat };
  } catch (fault) {
    closeSync(descriptor);
    throw fault;
  }
}

/** What stands under `name`, links not followed; undefined when nothing does. Refuses with MEDIA-READ. */
export function statIn(folder: number, name: string): BigIntStats | undefined {
  try {
    return lstatSync(entryPath(folder, name), { bigint: true, throwIfNoEntry: false });
  } catch (fault) {
    throw readFault(fault, name);
  }
}

/** The names in an open folder in the order of the file system, "." and ".." left out. Refuses with MEDIA-READ. */
export function* namesIn(folder: number): Generator<string> {
  for (const { name } of entriesIn(folder)) yield name;
}

/** The same, with what the listing says that each is; some file systems do not say. */
export function* entriesIn(folder: number): Generator<Dirent> {
  const listing = wrapped(() => opendirSync(`/proc/self/fd/${folder}`, { bufferSize: 1024 }), "a folder");
  try {
    for (;;) {
      const entry = wrapped(() => listing.readSync(), "a folder");
      if (!entry) return;
      yield entry;
    }
  } finally {
    listing.closeSync();
  }
}

/** The path by which the kernel finds `name` in an open folder, whatever happens to the folder's own path. */
export function entryPath(folder: number, name: string): string {
  return `/proc/self/fd/${folder}/${name}`;
}

export function kindOf(stat: BigIntStats): EntryKind {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "folder";
  if (stat.isSymbolicLink()) return "link";
  if (stat.isFIFO()) return "pipe";
  if (stat.isSocket()) return "socket";
  return "device";
}

/** Refuses with MEDIA-KIND what is not a regular file (with one link, unless said). */
export function checkPlain(stat: BigIntStats, name: string, links: Links = "one link"): void {
  const kind = kindOf(stat);
  if (kind !== "file") throw wrongKind(name, "a regular file", `a ${kind}`);
  if (links === "one link" && stat.nlink !== 1n) throw wrongKind(name, "a file with one link", `${stat.nlink} links`);
}

export function wrongKind(name: string, expected: string, got: string): Refusal {
  return new Refusal("MEDIA-KIND", `${shown(name)} is not ${expected}`, { expected, got, about: name });
}

function openAs(path: string, name: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (fault) {
    throw (fault as NodeJS.ErrnoException).code === "ENOTDIR" ? noFolder(fault, path, name) : readFault(fault, name);
  }
}

/** ENOENT inside the refusal's cause becomes undefined. */
function absent<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (fault) {
    if (fault instanceof Refusal && (fault.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
      return undefined;
    throw fault;
  }
}

function wrapped<T>(call: () => T, name: string): T {
  try {
    return call();
  } catch (fault) {
    throw readFault(fault, name);
  }
}

/** The kernel has one fault for a link where a folder is wanted, for anything else there, and for that in the path before it. */
function noFolder(fault: unknown, path: string, name: string): Refusal {
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    const kind = stat && kindOf(stat);
    // Swapped since: what was met then is not known any more.
    if (kind === undefined || kind === "folder") return readFault(fault, name);
    return kind === "link" ? foundLink(name, fault) : wrongKind(name, "a folder", `a ${kind}`);
  } catch (other) {
    return readFault(other, name);
  }
}

function foundLink(name: string, cause: unknown): Refusal {
  return new Refusal("MEDIA-KIND", `${shown(name)} is not a folder or file of its own`, {
    got: "a link",
    about: name,
    cause,
  });
}

function readFault(fault: unknown, name: string): Refusal {
  if (fault instanceof Refusal) return fault;
  const cause = fault as NodeJS.ErrnoException;
  const about = name;
  switch (cause.code) {
    case "ENOTDIR":
      return new Refusal("MEDIA-KIND", `${shown(name)} cannot be reached`, {
        expected: "a path of folders",
        got: "a part of the path that is no folder",
        about,
        cause,
      });
    case "ELOOP":
      return foundLink(name, cause);
    case "ENXIO":
      return new Refusal("MEDIA-KIND", `${shown(name)} is not a regular file`, { about, cause });
    case "ENAMETOOLONG":
      return new Refusal("MEDIA-NAME", `${shown(name)} is too long a name`, { about, cause });
    default:
      return new Refusal("MEDIA-READ", `${shown(name)} cannot be read (${cause.code ?? cause.message})`, {
        about,
        cause,
      });
  }
}
