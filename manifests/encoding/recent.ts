/** What was read from bytes that come again and again (a batch's certificate, known identifiers), found by the bytes themselves. */

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

  /** The value that was kept for bytes equal to these from `start` to `end`. */
  find(bytes: Uint8Array, start = 0, end = bytes.length): T | undefined {
    const alike = this.#alike.get(likeness(bytes, start, end));
    return alike?.find((one) => isAt(bytes, start, end, one.bytes))?.value;
  }

  /** `bytes` must be nobody else's to change. */
  keep(bytes: Uint8Array, value: T): T {
    if (this.#held.length === this.#most) this.#forget(this.#held.shift() as Held<T>);
    const one = { bytes, value };
    this.#held.push(one);
    const key = likeness(bytes, 0, bytes.length);
    const alike = this.#alike.get(key);
    if (alike) alike.push(one);
    else this.#alike.set(key, [one]);
    return value;
  }

  #forget(oldest: Held<T>): void {
    const key = likeness(oldest.bytes, 0, oldest.bytes.length);
    const others = (this.#alike.get(key) ?? []).filter((one) => one !== oldest);
    if (others.length > 0) this.#alike.set(key, others);
    else this.#alike.delete(key);
  }
}

/** Length and last byte. */
function likeness(bytes: Uint8Array, start: number, end: number): number {
  return (end - start) * 256 + (end > start ? (bytes[end - 1] as number) : 0);
}

/** Whether `wanted` stands in `bytes` from `start` to `end`; no piece of memory is made for the look. */
function isAt(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  const { length } = wanted;
  if (length !== end - start) return false;
  for (let at = 0; at < length; at++) if (bytes[start + at] !== wanted[at]) return false;
  return true;
}
