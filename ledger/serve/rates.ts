/** How often somebody may ask: so many at once, which come back evenly over a minute. */

const mostRemembered = 10_000;
const minute = 60_000;

interface Bucket {
  left: number;
  /** monotonic milliseconds */
  at: number;
}

export class Rates {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes one of `perMinute` for `who`; 0, or in how many seconds there is one again. `now`: monotonic milliseconds. */
  take(who: string, perMinute: number, now: number): number {
    const bucket = this.#buckets.get(who) ?? { left: perMinute, at: now };
    // Said again last: the first of the map is who asked longest ago.
    this.#buckets.delete(who);
    const left = Math.min(perMinute, bucket.left + ((now - bucket.at) * perMinute) / minute);
    const may = left >= 1;
    this.#buckets.set(who, { left: may ? left - 1 : left, at: now });
    this.#forget();
    return may ? 0 : Math.ceil(((1 - left) * 60) / perMinute);
  }

  /** Memory is bounded, however many addresses ask: who asked longest ago starts anew. */
  #forget(): void {
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > mostRemembered && oldest !== undefined) this.#buckets.delete(oldest);
  }
}
