/** Lines of a stream, each ended by LF, of bounded length. */

import { Refusal } from "../refusal.ts";
import { concat } from "./bytes.ts";

const lineFeed = 0x0a;

/** Push reader. Refuses with SHAPE a line longer than `most` bytes. However small the pieces, each byte is copied twice. */
export class Lines {
  readonly #most: number;
  #pending: Uint8Array[] = [];
  #length = 0;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The lines that a piece completes, without LF, in memory of their own. */
  *push(piece: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < piece.length; ) {
      const end = piece.indexOf(lineFeed, at);
      this.#add(piece.subarray(at, end === -1 ? piece.length : end));
      if (end === -1) return;
      const line = concat(this.#pending);
      this.#pending = [];
      this.#length = 0;
      this.#count++;
      yield line;
      at = end + 1;
    }
  }

  /** Call once, after the last piece. Refuses with JSON a last line without LF. */
  end(): void {
    if (this.#length > 0) throw new Refusal("JSON", "the last line has no line feed");
  }

  #add(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#most) {
      throw new Refusal("SHAPE", `line ${this.#count + 1} is longer than ${this.#most} bytes`);
    }
    this.#pending.push(new Uint8Array(part)); // a copy, also of Node's Buffers
  }
}
