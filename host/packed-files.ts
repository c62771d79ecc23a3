/**
 * Many small files of a few folders, one behind the other in one file of our own, so that none of them has to be made, opened and removed by itself. Behind the
 * files of a folder stands what they are called and how long they are. Not durable, and for its maker alone: nothing in it is looked at twice.
 */

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { fromUtf8, utf8 } from "../manifests/encoding/bytes.ts";
import { parentOf } from "./open-folders.ts";

/** Where a folder's files and, behind them, its names lie. */
interface PackedFolder {
  readonly files: number;
  readonly names: number;
  readonly end: number;
}

/** What was packed: a plain value, some bytes for each folder, that can go to another thread. */
export interface Packed {
  readonly file: string;
  /** by path */
  readonly folders: ReadonlyMap<string, PackedFolder>;
}

/** Written, and read, in one call. */
const windowBytes = 1 << 18;

/** Writes a new file, folder by folder. Throws errors of the system. */
export class Packer {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #folders = new Map<string, PackedFolder>();
  readonly #buffer: Uint8Array;
  #buffered = 0;
  #written = 0;

  /** `file` is not there yet; `mostBytes`: of one file that will be added. */
  constructor(file: string, mostBytes: number) {
    this.#file = file;
    this.#descriptor = openSync(file, "wx", 0o600);
    this.#buffer = new Uint8Array(windowBytes + mostBytes + 1);
  }

  /** A folder whose files follow. */
  folder(path: string): FolderPacker {
    const files = this.#written + this.#buffered;
    const entries: (readonly [string, number])[] = [];
    return {
      add: (name, read) => {
        const { length } = read(this.#buffer.subarray(this.#buffered));
        this.#buffered += length;
        entries.push([name, length]);
        if (this.#buffered >= windowBytes) this.#flush();
      },
      end: () => {
        const names = this.#written + this.#buffered;
        this.#flush();
        this.#write(utf8(JSON.stringify(entries)));
        this.#folders.set(path, { files, names, end: this.#written });
      },
    };
  }

  get packed(): Packed {
    return { file: this.#file, folders: this.#folders };
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    this.#written += bytes.length;
  }
}

/** Of one folder; the next begins when this one has ended. */
export interface FolderPacker {
  /** Adds a file: `read` puts it at the beginning of the memory that it is given, which holds one byte more than a file may have, and gives what it put there. */
  add(name: string, read: (into: Uint8Array) => Uint8Array): void;
  end(): void;
}

interface OpenFolder {
  readonly path: string;
  /** Where each file lies, by name. */
  readonly files: ReadonlyMap<string, { readonly at: number; readonly length: number }>;
}

/** Reads what was packed: the names of one folder at a time, its files through a window, as they are asked for in their order. Throws errors of the system. */
export class PackedFiles {
  readonly #packed: Packed;
  #descriptor: number | undefined;
  #folder: OpenFolder | undefined;
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;

  /** Nothing is opened before it is asked for. */
  constructor(packed: Packed) {
    this.#packed = packed;
  }

  /** Names of the files in a folder; undefined where none of that path was packed. */
  names(folder: string): readonly string[] | undefined {
    const open = this.#open(folder);
    return open && [...open.files.keys()];
  }

  /** Length in bytes of the file; undefined where it is not there. */
  length(path: string): number | undefined {
    return this.#entry(path)?.length;
  }

  /** All bytes of a file, which nobody changes; undefined where it is not there. */
  read(path: string): Uint8Array | undefined {
    const entry = this.#entry(path);
    return entry && this.#bytes(entry.at, entry.length);
  }

  /** Closes the file; it may be used again. Idempotent. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#folder = undefined;
    this.#window = new Uint8Array(0);
  }

  #entry(path: string) {
    const { folder, name } = parentOf(path);
    return this.#open(folder)?.files.get(name);
  }

  #open(path: string): OpenFolder | undefined {
    if (this.#folder?.path === path) return this.#folder;
    const folder = this.#packed.folders.get(path);
    if (!folder) return undefined;
    const names = JSON.parse(fromUtf8(this.#at(folder.names, folder.end - folder.names))) as [string, number][];
    let at = folder.files;
    const files = names.map(([name, length]) => {
      at += length;
      return [name, { at: at - length, length }] as const;
    });
    this.#folder = { path, files: new Map(files) };
    return this.#folder;
  }

  /** Out of the window, which moves forward when it must; what it held before stays with who was given it. */
  #bytes(at: number, length: number): Uint8Array {
    const from = at - this.#windowAt;
    if (from < 0 || from + length > this.#window.length) {
      this.#window = this.#at(at, Math.max(length, windowBytes));
      this.#windowAt = at;
    }
    const start = at - this.#windowAt;
    const bytes = this.#window.subarray(start, start + length);
    if (bytes.length < length) throw new Error("the packed file is shorter than it was");
    return bytes;
  }

  /** As many bytes as there are, at most `length`. */
  #at(at: number, length: number): Uint8Array {
    this.#descriptor ??= openSync(this.#packed.file, "r");
    const { buffer } = Buffer.allocUnsafeSlow(length);
    const bytes = new Uint8Array(buffer);
    let filled = 0;
    for (let got = -1; got !== 0 && filled < length; filled += got) {
      got = readSync(this.#descriptor, bytes, filled, length - filled, at + filled);
    }
    return bytes.subarray(0, filled);
  }
}
