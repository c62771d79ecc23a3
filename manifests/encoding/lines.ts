/** Lines of a stream, each ended by LF, of bounded length. */

import { Refusal } from "../refusal.ts";
import { concat } from "./bytes.ts";

const lineFeed = 0x0a;

/** Push reader. Refuses with SHAPE a line longer than `most` bytes. */
export class Lines {
  readonly #most: number;
  #pending: Uint8Array = new Uint8Array(0);
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The lines that a piece completes, without LF, in memory of their own. */
  *push(piece: Uint8Array): Generator<Uint8Array> {
    const input = this.#pending.length === 0 ? piece : concat([this.#pending, piece]);
    let at = 0;
    for (;;) {
      const end = input.indexOf(lineFeed, at);
      if ((end === -1 ? input.length : end) - at > this.#most) {
        throw new Refusal("SHAPE", `line ${this.#count + 1} is longer than ${this.#most} bytes`);
      }
      if (end === -1) break;
      this.#count++;
      yield new Uint8Array(input.subarray(at, end));
      at = end + 1;
    }
    this.#pending = new Uint8Array(input.subarray(at)); // a copy, also of Node's Buffers
  }

  /** Call once, after the last piece. Refuses with JSON a last line without LF. */
  end(): void {
    if (this.#pending.length > 0) throw new Refusal("JSON", "the last line has no line feed");
  }
}
