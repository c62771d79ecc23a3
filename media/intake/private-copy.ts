/**
 * SAME-BYTES: one descriptor, one pass, one private copy. What is hashed is what was written to the copy, byte for
 * byte; a file that is not the same after the pass as before it is refused.
 */

import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { OpenFile } from "../../host/no-follow.ts";
import type { Hasher } from "../../manifests/host.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { sizeOf } from "./entries.ts";
import { fileMode } from "./spool-folder.ts";
import type { Watch } from "./watch.ts";

const piece = 1 << 20;
/** Two, so that one is read and hashed while the other is being written. */
const buffers = [new Uint8Array(piece), new Uint8Array(piece)] as const;

export interface CopyJob {
  /** the name it has on the stick, for messages */
  readonly name: string;
  readonly source: OpenFile;
  /** created exclusively, with `fileMode` */
  readonly target: string;
  /** gets every byte of the copy */
  readonly hasher?: Hasher;
  readonly watch: Watch;
  /** told of every piece copied, in bytes */
  onBytes?(count: number): void;
}

/**
 * Copies an open file of the stick and answers its size. Not durable on return (intake may not sync). Refuses with
 * MEDIA-CHANGED, MEDIA-READ, MEDIA-TIME, or STORE when the spool cannot take it.
 */
export async function copyPrivately(job: CopyJob): Promise<number> {
  const size = sizeOf(job.source.stat);
  const target = createPrivately(job.target);
  try {
    if (size < piece) copySmall(job, target, size);
    else await copyLarge(job, target, size);
  } finally {
    closeSync(target);
  }
  checkUnchangedSince(job);
  return size;
}

/** Creates a file of the spool exclusively (`fileMode`) and opens it. Refuses with STORE. */
export function createPrivately(path: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  return spooled(path, () => openSync(path, flags, fileMode));
}

/** Writes all of it to an open file of the spool. Refuses with STORE. */
export function writeAll(target: number, bytes: Uint8Array, path: string): void {
  for (let done = 0; done < bytes.length; ) {
    done += spooled(path, () => writeSync(target, bytes, done, bytes.length - done));
  }
}

/** What is read of a stick's file. */
export type SourceJob = Pick<CopyJob, "name" | "source" | "watch">;

/** The bytes of an open file of `size` bytes in pieces, all in the same memory. Refuses with MEDIA-CHANGED, MEDIA-READ, MEDIA-TIME. */
export function* sourcePieces(job: SourceJob, size: number): Generator<Uint8Array> {
  const [buffer] = buffers;
  for (let at = 0; ; ) {
    const bytes = nextPiece(job, buffer, at, size);
    if (bytes.length === 0) return;
    yield bytes;
    at += bytes.length;
  }
}

/** What fits one piece is not worth another thread. */
function copySmall(job: CopyJob, target: number, size: number): void {
  for (const bytes of sourcePieces(job, size)) {
    job.hasher?.update(bytes);
    writeAll(target, bytes, job.target);
    job.onBytes?.(bytes.length);
  }
}

/** Each piece is written by another thread while it is hashed here and the next one is read. */
async function copyLarge(job: CopyJob, target: number, size: number): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  try {
    for (let at = 0, turn = 0; ; turn ^= 1) {
      const bytes = nextPiece(job, buffers[turn] as Uint8Array, at, size);
      await writing;
      if (bytes.length === 0) return;
      writing = writeWhole(job.target, target, bytes);
      writing.catch(() => undefined); // it is awaited before the next piece
      job.hasher?.update(bytes);
      at += bytes.length;
      job.onBytes?.(bytes.length);
    }
  } finally {
    await writing.catch(() => undefined);
  }
}

/** The piece at `at`; empty at the end. Refuses with MEDIA-CHANGED a file that is longer or shorter than it was. */
function nextPiece(job: SourceJob, buffer: Uint8Array, at: number, size: number): Uint8Array {
  job.watch.tick();
  // One byte more than is left: a file that grows shows itself at once.
  const length = readPiece(job, buffer, Math.min(piece, size - at + 1));
  if (at + length > size) throw changed(job.name, "longer");
  if (length === 0 && at < size) throw changed(job.name, "shorter");
  return buffer.subarray(0, length);
}

const writePiece = promisify(write);

async function writeWhole(path: string, target: number, bytes: Uint8Array): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; )
      done += (await writePiece(target, bytes, done, bytes.length - done, null)).bytesWritten;
  } catch (fault) {
    throw spoolFault(path, fault);
  }
}

function readPiece({ source, name }: SourceJob, buffer: Uint8Array, wanted: number): number {
  try {
    return readSync(source.descriptor, buffer, 0, wanted, null);
  } catch (fault) {
    const cause = fault as NodeJS.ErrnoException;
    throw new Refusal("MEDIA-READ", `${shown(name)} cannot be read (${cause.code ?? cause.message})`, {
      about: name,
      cause,
    });
  }
}

/** Refuses with MEDIA-CHANGED a file that is not as it was when it was opened. */
export function checkUnchangedSince({ source, name }: SourceJob): void {
  checkUnchanged(source.stat, fstatSync(source.descriptor, { bigint: true }), name);
}

function checkUnchanged(before: BigIntStats, after: BigIntStats, name: string): void {
  if (after.size !== before.size) throw changed(name, after.size > before.size ? "longer" : "shorter");
  if (after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs) throw changed(name, "changed");
  if (after.nlink !== before.nlink) throw changed(name, "linked elsewhere");
}

function changed(name: string, how: string): Refusal {
  return new Refusal("MEDIA-CHANGED", `${shown(name)} became ${how} while it was read`, { about: name });
}

function spooled<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (fault) {
    throw spoolFault(path, fault);
  }
}

function spoolFault(path: string, fault: unknown): Refusal {
  const cause = fault as NodeJS.ErrnoException;
  return new Refusal("STORE", `the spool cannot take a file (${cause.code ?? cause.message})`, { about: path, cause });
}
