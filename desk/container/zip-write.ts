/**
 * Writing a ZIP file (PKWARE APPNOTE 6.3.10) of stored files: nothing is compressed, sizes and CRC stand before the bytes, so that readers of
 * streams take it too, and the same files give the same bytes. ZIP64 only where it is needed.
 */

import { crc32 } from "node:zlib";
import { concat, utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { NewFile } from "./new-file.ts";
import { centralHeader, endRecords, type FileFields, largest, localHeader } from "./zip-records.ts";

/** Writes the entries of one file, one after another, then its end. */
export class ZipWriter {
  readonly #file: NewFile;
  readonly #entries: FileFields[] = [];

  /** `file` is empty. */
  constructor(file: NewFile) {
    this.#file = file;
  }

  get entries(): number {
    return this.#entries.length;
  }

  /** Adds a small file. */
  async addBytes(path: string, bytes: Uint8Array): Promise<void> {
    const fields = this.#fields(path, { crc: crc32(bytes), size: bytes.length, large: false });
    await this.#file.append(concat([localHeader(fields), bytes]));
    this.#entries.push(fields);
  }

  /**
   * Adds a file of any size, in one pass; `size` is what it is said to have. Refuses MEDIA-CHANGED one that has another, after its bytes were written:
   * the whole file is to be given up then.
   */
  async addStream(path: string, pieces: AsyncIterable<Uint8Array>, size: number): Promise<void> {
    const at = this.#file.length;
    const before = this.#fields(path, { crc: 0, size, large: size >= largest });
    await this.#file.append(localHeader(before));
    let [crc, length] = [0, 0];
    for await (const piece of pieces) {
      crc = crc32(piece, crc);
      length += piece.length;
      await this.#file.append(piece);
      await this.#file.flush();
    }
    if (length !== size) {
      const detail = { expected: `${size} bytes`, got: `${length} bytes`, about: path };
      throw new Refusal("MEDIA-CHANGED", "a file has another size than it had", detail);
    }
    const fields = { ...before, crc };
    await this.#file.correct(at, localHeader(fields));
    this.#entries.push(fields);
  }

  /** Call once, after the last entry. */
  async end(): Promise<void> {
    const at = this.#file.length;
    for (const fields of this.#entries) await this.#file.append(centralHeader(fields));
    await this.#file.append(endRecords({ entries: this.#entries.length, at, length: this.#file.length - at }));
  }

  #fields(path: string, { crc, large, size }: Pick<FileFields, "crc" | "large" | "size">): FileFields {
    return { name: utf8(path), crc, size, large, at: this.#file.length };
  }
}
