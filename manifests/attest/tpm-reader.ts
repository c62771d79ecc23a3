/** Reads the TPM's structures from bytes: big-endian numbers, and sized buffers (TPM 2.0 Library, part 2, TPM2B). Bounded by what it is given. */

import { Refusal } from "../refusal.ts";

/** Goes through bytes from the front. Every method refuses QUOTE-FORM where they end too early. */
export class TpmReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** `what` is named in refusals: "the quote". */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.take(1)[0] as number;
  }

  u16(): number {
    const [high = 0, low = 0] = this.take(2);
    return high * 256 + low;
  }

  u32(): number {
    return this.u16() * 65536 + this.u16();
  }

  u64(): bigint {
    return BigInt(this.u32()) * 0x1_0000_0000n + BigInt(this.u32());
  }

  /** The next `length` bytes, of the same memory. */
  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      throw this.refuse("it ends too early", `${end} bytes or more`, `${this.#bytes.length} bytes`);
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** TPM2B: a length of two bytes, and as many bytes; at most `most`. */
  sized(most: number): Uint8Array {
    const length = this.u16();
    if (length > most) throw this.refuse("a part is too long", `at most ${most} bytes`, `${length} bytes`);
    return this.take(length);
  }

  /** Nothing may be left. */
  finish(): void {
    if (this.left > 0) throw this.refuse("something stands after its end", "nothing", `${this.left} bytes`);
  }

  /** A refusal that names what is read. */
  refuse(wrong: string, expected: string, got: string): Refusal {
    return new Refusal("QUOTE-FORM", `${this.#what}: ${wrong}`, { expected, got });
  }
}
