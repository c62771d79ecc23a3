/** What a fuzz target is. One file a target below `targets/`, named in `targets.ts`; nothing else has to be changed for a new one. */

import type { Random } from "./random.ts";

export interface Target {
  readonly name: string;
  /** right inputs, made by the tests' own builders; every exported reader of manifests/ is reached by some target's (`readers.test.ts`) */
  seeds(): Promise<readonly Uint8Array[]>;
  /** a wrong one, made from two that were kept */
  mutate(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array;
  /**
   * Gives the input to the readers. A `Refusal` is the right answer to what is wrong; what comes back is `after`'s
   * matter. Throws `Broken` where a promise that it checks itself does not hold.
   */
  run(input: Uint8Array): unknown;
  /** Dearer checks of what was accepted, outside of the time that counts. Throws `Broken`. */
  after?(input: Uint8Array, result: unknown): unknown;
  /** of one run, in milliseconds; 100 unless said, with the reason */
  readonly most?: number;
}

/** A promise of the target's own that does not hold. */
export class Broken extends Error {}

/** Most bytes of an input: what the limits of time and memory are promised for. */
export const inputLimit = 64 * 1024;
export const timeLimit = 100;
export const memoryLimit = 64 << 20;
