/** How long, and for how many seals, the box stays unlocked: by the policy, since the last unlock. A begun batch finishes. */

import { Refusal } from "../../manifests/refusal.ts";

export interface UnlockedLimits {
  readonly seconds: number;
  readonly seals: number;
}

export class AutoLock {
  readonly #monotonic: () => number;
  #since: number;
  #seals = 0;

  /** `monotonic` in milliseconds */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#since = monotonic();
  }

  /** The box was unlocked: both are counted from here. */
  begin(): void {
    this.#since = this.#monotonic();
    this.#seals = 0;
  }

  /** Seals were made. */
  count(seals: number): void {
    this.#seals += seals;
  }

  /** Why the box must be locked now; undefined where it may stay open, or the policy has no limits. */
  over(limits: UnlockedLimits | undefined): string | undefined {
    if (!limits) return undefined;
    if (this.#seals >= limits.seals) return `the policy's ${limits.seals} seals since the unlock are made`;
    const seconds = (this.#monotonic() - this.#since) / 1000;
    return seconds >= limits.seconds ? `the policy's ${limits.seconds} seconds since the unlock are over` : undefined;
  }

  /** Seconds and seals that are left, for `status`. */
  left(limits: UnlockedLimits): { readonly seconds: number; readonly seals: number } {
    const seconds = Math.max(0, Math.ceil(limits.seconds - (this.#monotonic() - this.#since) / 1000));
    return { seconds, seals: Math.max(0, limits.seals - this.#seals) };
  }
}

/** LOCKED, as what the limits lead to. */
export function lockedBy(why: string): Refusal {
  return new Refusal("LOCKED", `the box locked itself: ${why}`, { expected: "an unlock by shares", got: why });
}
