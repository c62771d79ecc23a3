/** Lines of a stream, each ended by LF, of bounded length. */

import { Refusal } from "../refusal.ts";
import { concat } from "./bytes.ts";

const lineFeed = 0x0a;

/** Push reader. Refuses with SHAPE a line longer than `most` bytes. However small the pieces, each byte is copied twice at most. */
export class Lines {
  readonly #most: number;
  #pending: Uint8Array[] = [];
  #length = 0;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The lines that a piece completes, without LF; they may lie in the piece's own memory. */
  *push(piece: Uint8Array): Generator<Uint8Array> {
    const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.length); // a view, of Node's Buffers too
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(lineFeed, at);
      const part = bytes.subarray(at, end === -1 ? bytes.length : end);
      this.#measure(part);
      if (end === -1) {
        this.#pending.push(part.slice()); // a copy: the caller may use the piece's memory again
        return;
      }
      yield this.#complete(part);
      at = end + 1;
    }
  }

  /** Call once, after the last piece. Refuses with JSON a last line without LF. */
  end(): void {
    if (this.#length > 0) throw new Refusal("JSON", "the last line has no line feed");
  }

  #measure(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#most) {
      throw new Refusal("SHAPE", `line ${this.#count + 1} is longer than ${this.#most} bytes`);
    }
  }

  #complete(part: Uint8Array): Uint8Array {
    const line = this.#pending.length === 0 ? part : concat([...this.#pending, part]);
    this.#pending = [];
    this.#length = 0;
    this.#count++;
    return line;
  }
}
