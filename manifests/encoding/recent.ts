/** What was read from bytes that come again and again (a batch's certificate, known identifiers), found by the bytes themselves. */

import { equal } from "./bytes.ts";

export class Recent<T> {
  readonly #most: number;
  readonly #held: { readonly bytes: Uint8Array; readonly value: T }[] = [];

  /** Keeps at most `most` values; a new one takes the place of the oldest. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The value that was kept for equal bytes. */
  find(bytes: Uint8Array): T | undefined {
    for (const one of this.#held) if (equal(one.bytes, bytes)) return one.value;
    return undefined;
  }

  /** `bytes` must be nobody else's to change. */
  keep(bytes: Uint8Array, value: T): T {
    if (this.#held.length === this.#most) this.#held.shift();
    this.#held.push({ bytes, value });
    return value;
  }
}
