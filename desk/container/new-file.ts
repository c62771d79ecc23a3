/** A new file, whole and durable under its name or not there: for what is too long to be held in memory. */

import { type FileHandle, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../../host/durable.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { fileFault } from "../file-fault.ts";

/** Bytes that are gathered before they are written. */
const block = 1 << 20;

/** Where the file's bytes go, in order; what was appended may be corrected. */
export class NewFile {
  readonly #file: FileHandle;
  #pieces: Uint8Array[] = [];
  #gathered = 0;
  #written = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Bytes appended so far. */
  get length(): number {
    return this.#written + this.#gathered;
  }

  /** Keeps no hold on `bytes` beyond the next `flush`: whoever uses them again flushes first. */
  async append(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes);
    this.#gathered += bytes.length;
    if (this.#gathered >= block) await this.flush();
  }

  /** Writes other bytes in the place of some that were appended. */
  async correct(at: number, bytes: Uint8Array): Promise<void> {
    await this.flush();
    await this.#write(bytes, at);
  }

  async flush(): Promise<void> {
    const [pieces, at] = [this.#pieces, this.#written];
    if (pieces.length === 0) return;
    [this.#pieces, this.#written, this.#gathered] = [[], this.length, 0];
    await this.#write(pieces.length === 1 ? (pieces[0] as Uint8Array) : concat(pieces), at);
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += (await this.#file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
    }
  }
}

/**
 * Makes the file `path`, which `fill` writes; durable on return, with its length in bytes. Never over a file that is there (USAGE). Whatever
 * `fill` throws, and when nothing can be written (as `fileFault` says), no file is left behind; a crash may leave a part of one.
 */
export async function writeNewFile(path: string, fill: (file: NewFile) => Promise<void>): Promise<number> {
  const handle = await open(path, "wx", 0o644).catch((fault) => {
    throw fileFault(fault, "write a file", path);
  });
  try {
    const file = new NewFile(handle);
    await fill(file);
    await file.flush();
    await handle.sync();
    await handle.close();
    await syncFolder(dirname(path));
    return file.length;
  } catch (fault) {
    await handle.close().catch(() => undefined);
    await rm(path, { force: true }).catch(() => undefined);
    throw fileFault(fault, "write a file", path);
  }
}
