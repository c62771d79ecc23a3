/** What was read from bytes that come again and again (a batch's certificate, known identifiers), found by the bytes themselves. */

import { equal } from "./bytes.ts";

interface Held<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

export class Recent<T> {
  readonly #most: number;
  readonly #held: Held<T>[] = [];
  /** the same by what tells most of them apart at once */
  readonly #alike = new Map<number, Held<T>[]>();

  /** Keeps at most `most` values; a new one takes the place of the oldest. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The value that was kept for equal bytes. */
  find(bytes: Uint8Array): T | undefined {
    const alike = this.#alike.get(likeness(bytes));
    if (alike) for (const one of alike) if (equal(one.bytes, bytes)) return one.value;
    return undefined;
  }

  /** `bytes` must be nobody else's to change. */
  keep(bytes: Uint8Array, value: T): T {
    if (this.#held.length === this.#most) this.#forget(this.#held.shift() as Held<T>);
    const one = { bytes, value };
    this.#held.push(one);
    const key = likeness(bytes);
    const alike = this.#alike.get(key);
    if (alike) alike.push(one);
    else this.#alike.set(key, [one]);
    return value;
  }

  #forget(oldest: Held<T>): void {
    const key = likeness(oldest.bytes);
    const others = (this.#alike.get(key) ?? []).filter((one) => one !== oldest);
    if (others.length > 0) this.#alike.set(key, others);
    else this.#alike.delete(key);
  }
}

/** Length and last byte. */
function likeness(bytes: Uint8Array): number {
  return bytes.length * 256 + (bytes.at(-1) ?? 0);
}
