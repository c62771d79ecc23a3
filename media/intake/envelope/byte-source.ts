/** Bytes taken one after another from pieces of any size, without ever holding more than a piece. */

import { Refusal } from "../../../manifests/refusal.ts";

const nothing = new Uint8Array(0);

export class ByteSource {
  readonly #pieces: Iterator<Uint8Array>;
  #piece: Uint8Array = nothing;
  #at = 0;
  #taken = 0;

  /** A piece's memory may be used again once the next one is asked for. */
  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]();
  }

  /** How many bytes were taken. */
  get position(): number {
    return this.#taken;
  }

  /** The next byte, not taken; undefined at the end. */
  peek(): number | undefined {
    return this.#fill() ? this.#piece[this.#at] : undefined;
  }

  /** Refuses with ENVELOPE-FORM at the end. */
  byte(): number {
    if (!this.#fill()) throw cutOff();
    this.#taken++;
    return this.#piece[this.#at++] as number;
  }

  /** From 1 up to `most` bytes, as many as the piece at hand has; none at the end. Use them before the next call. */
  some(most: number): Uint8Array {
    if (most <= 0 || !this.#fill()) return nothing;
    const bytes = this.#piece.subarray(this.#at, this.#at + most);
    this.#at += bytes.length;
    this.#taken += bytes.length;
    return bytes;
  }

  /** Exactly `length` bytes in memory of their own. Refuses with ENVELOPE-FORM when there are fewer. */
  exactly(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const bytes = this.some(length - at);
      if (bytes.length === 0) throw cutOff();
      out.set(bytes, at);
      at += bytes.length;
    }
    return out;
  }

  /** What is at hand without asking for another piece; at least one byte unless it is the end. */
  ahead(): Uint8Array {
    return this.#fill() ? this.#piece.subarray(this.#at) : nothing;
  }

  #fill(): boolean {
    while (this.#at === this.#piece.length) {
      const next = this.#pieces.next();
      if (next.done) return false;
      this.#piece = next.value;
      this.#at = 0;
    }
    return true;
  }
}

export function cutOff(): Refusal {
  return new Refusal("ENVELOPE-FORM", "the envelope is cut off");
}
