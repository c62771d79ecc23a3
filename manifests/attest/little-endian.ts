/** Reads the logs that firmware and kernel keep of what they measured: little-endian numbers. */

import { Refusal } from "../refusal.ts";

/** Goes through a log from the front. Every method refuses QUOTE-FORM where it ends in the middle. */
export class LogBytes {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  at = 0;

  /** `what` is named in refusals: "the event log". */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get ended(): boolean {
    return this.at === this.#bytes.length;
  }

  u8(): number {
    return this.take(1)[0] as number;
  }

  u16(): number {
    const [low = 0, high = 0] = this.take(2);
    return high * 256 + low;
  }

  u32(): number {
    const low = this.u16();
    return this.u16() * 65536 + low;
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.#bytes.length) throw this.refuse(`it ends in the middle, at byte ${this.at}`);
    const taken = this.#bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  refuse(wrong: string): Refusal {
    return new Refusal("QUOTE-FORM", `${this.#what}: ${wrong}`);
  }
}
