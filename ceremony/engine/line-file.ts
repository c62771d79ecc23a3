/**
 * A file of lines that only grows: appended and synced one by one, by one process at a time. A line that a power cut left
 * unfinished is cut off when the file is opened again: it was never acknowledged.
 */

import { spawnSync } from "node:child_process";
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder, syncFolder } from "../../host/durable.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";

const largest = 16 << 20;
const lineFeed = 0x0a;

export class LineFile {
  /** what stood there when it was opened: whole lines, each with its line feed */
  readonly bytes: Uint8Array;
  readonly #descriptor: number;
  readonly #what: string;

  private constructor(descriptor: number, bytes: Uint8Array, what: string) {
    this.#descriptor = descriptor;
    this.bytes = bytes;
    this.#what = what;
  }

  /** Opens the file, or makes it and its folder, durably; nobody else opens it until it is closed. `what` it is stands in messages. Refuses STORE, BUSY, CEREMONY-STATE (too large). */
  static async open(path: string, what: string): Promise<LineFile> {
    await makeFolder(dirname(path));
    const descriptor = openLines(path, what);
    try {
      lock(descriptor, path, what);
      await syncFolder(dirname(path));
      return new LineFile(descriptor, wholeLines(descriptor, path, what), what);
    } catch (fault) {
      closeSync(descriptor);
      throw fault;
    }
  }

  /** Appends a line; it is on the disk on return. Refuses STORE: then it may be there or not. */
  append(line: Uint8Array): void {
    const bytes = concat([line, Uint8Array.of(lineFeed)]);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
      fsyncSync(this.#descriptor);
    } catch (cause) {
      throw new Refusal("STORE", `${this.#what} could not be made durable`, { cause });
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The lines of `bytes`, without their line feeds. */
export function* linesIn(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(lineFeed, at);
    yield bytes.subarray(at, end);
    at = end + 1;
  }
}

function openLines(path: string, what: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw new Refusal("STORE", `${what} cannot be opened`, { about: path, cause });
  }
}

/** util-linux's flock locks the open file that it inherits; the lock ends with the descriptor. */
function lock(descriptor: number, path: string, what: string): void {
  const { error, status } = spawnSync("flock", ["--exclusive", "--nonblock", "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (error) throw new Refusal("STORE", "flock does not start", { expected: "util-linux", cause: error });
  if (status !== 0) throw new Refusal("BUSY", `somebody else holds ${what} right now`, { about: path });
}

function wholeLines(descriptor: number, path: string, what: string): Uint8Array {
  const { size } = fstatSync(descriptor);
  if (size > largest) throw new Refusal("CEREMONY-STATE", `${what} is too large`, { about: path });
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const read = readSync(descriptor, bytes, at, size - at, at);
    if (read === 0) throw new Refusal("CEREMONY-STATE", `${what} shrinks while it is read`, { about: path });
    at += read;
  }
  const whole = bytes.lastIndexOf(lineFeed) + 1;
  if (whole < size) {
    ftruncateSync(descriptor, whole);
    fsyncSync(descriptor);
  }
  return bytes.subarray(0, whole);
}
