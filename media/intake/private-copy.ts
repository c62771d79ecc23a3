/**
 * SAME-BYTES: one descriptor, one pass, one private copy. What is hashed is what was written to the copy, byte for
 * byte; a file that is not the same after the pass as before it is refused.
 */

import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { OpenFile } from "../../host/no-follow.ts";
import type { Hasher } from "../../manifests/host.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { sizeOf } from "./entries.ts";
import type { Watch } from "./watch.ts";

const piece = 1 << 20;
const buffer = new Uint8Array(piece);

export interface CopyJob {
  /** the name it has on the stick, for messages */
  readonly name: string;
  readonly source: OpenFile;
  /** created exclusively with mode 0o600 */
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
export function copyPrivately(job: CopyJob): number {
  const { source, name } = job;
  const size = sizeOf(source.stat);
  const target = spooled(job.target, () =>
    openSync(job.target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600),
  );
  try {
    copyBytes(job, target, size);
  } finally {
    closeSync(target);
  }
  checkUnchanged(source.stat, fstatSync(source.descriptor, { bigint: true }), name);
  return size;
}

function copyBytes(job: CopyJob, target: number, size: number): void {
  for (let at = 0; ; ) {
    job.watch.tick();
    // One byte more than is left: a file that grows shows itself at once.
    const wanted = Math.min(piece, size - at + 1);
    const length = readPiece(job, wanted);
    if (at + length > size) throw changed(job.name, "longer");
    if (length === 0) {
      if (at < size) throw changed(job.name, "shorter");
      return;
    }
    const bytes = buffer.subarray(0, length);
    job.hasher?.update(bytes);
    for (let done = 0; done < length; )
      done += spooled(job.target, () => writeSync(target, bytes, done, length - done));
    at += length;
    job.onBytes?.(length);
  }
}

function readPiece({ source, name }: CopyJob, wanted: number): number {
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
    const cause = fault as NodeJS.ErrnoException;
    throw new Refusal("STORE", `the spool cannot take a file (${cause.code ?? cause.message})`, { about: path, cause });
  }
}
