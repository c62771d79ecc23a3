/** The library's access to an open file, a block at a time: its directory is read in order, forty bytes after forty, which would be a call of the system each. */

import { closeSync, read, readSync } from "node:fs";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { RandomAccessReader } from "yauzl";

const block = 1 << 16;
const readPiece = promisify(read);

interface Block {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Closes the descriptor when the library lets go of it. */
export class BlockReader extends RandomAccessReader {
  readonly #descriptor: number;
  readonly #size: number;
  /** the last ones read: headers and the directory are read in turn, far from each other */
  #blocks: readonly Block[] = [];

  constructor(descriptor: number, size: number) {
    super();
    this.#descriptor = descriptor;
    this.#size = size;
  }

  /** Gives as many bytes as the file has there. */
  at(position: number, wanted: number): Uint8Array {
    const length = Math.max(0, Math.min(wanted, this.#size - position));
    if (length === 0) return new Uint8Array(0);
    const held = this.#blocks.find(({ at, bytes }) => at <= position && position + length <= at + bytes.length);
    const found = held ?? this.#load(position, Math.max(block, length));
    return found.bytes.subarray(position - found.at, position - found.at + length);
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (fault: Error | null, got?: number) => void,
  ): void {
    try {
      const bytes = this.at(position, length);
      buffer.set(bytes, offset);
      done(null, bytes.length);
    } catch (fault) {
      done(fault as Error);
    }
  }

  override createReadStream({ start, end }: { readonly start: number; readonly end: number }): Readable {
    return Readable.from(this.#pieces(start, end), { objectMode: false });
  }

  override close(done: (fault: Error | null) => void): void {
    closeSync(this.#descriptor);
    done(null);
  }

  async *#pieces(start: number, end: number): AsyncGenerator<Uint8Array> {
    if (end - start <= block) {
      if (end > start) yield this.at(start, end - start).slice();
      return;
    }
    for (let at = start; at < end; ) {
      const length = Math.min(1 << 20, end - at);
      const { buffer, bytesRead } = await readPiece(this.#descriptor, Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  #load(at: number, length: number): Block {
    const bytes = new Uint8Array(length);
    const got = readSync(this.#descriptor, bytes, 0, length, at);
    const loaded = { at, bytes: bytes.subarray(0, got) };
    this.#blocks = [loaded, ...this.#blocks.slice(0, 1)];
    return loaded;
  }
}
