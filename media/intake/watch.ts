/**
 * The time limit of one call. Intake's work blocks, so no timer would fire: every loop calls `tick`. It also makes a
 * sign of life every fifth of a second, which fails when the daemon hung up, and so ends the work.
 */

import { Refusal } from "../../manifests/refusal.ts";

const beatEvery = 200;

export class Watch {
  #end: number;
  #nextBeat: number;
  readonly #beat: () => void;

  /** `beat` is called about every 200 ms and may throw. */
  constructor(milliseconds: number, beat: () => void) {
    const now = performance.now();
    this.#end = now + milliseconds;
    this.#nextBeat = now + beatEvery;
    this.#beat = beat;
  }

  /** Refuses with MEDIA-TIME once the time is over. Cheap enough for every entry and every piece. */
  tick(): void {
    const now = performance.now();
    if (now > this.#end) throw new Refusal("MEDIA-TIME", "reading the stick takes too long");
    if (now < this.#nextBeat) return;
    this.#nextBeat = now + beatEvery;
    this.#beat();
  }

  /** Sets the time left, in milliseconds from now. */
  allow(milliseconds: number): void {
    this.#end = performance.now() + milliseconds;
  }
}
