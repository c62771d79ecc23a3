/**
 * Fuzzing one target: mutations of what was kept, of which a new one is kept when it brought an outcome with words that
 * were not seen before (code and message, digits and names removed). V8's coverage is not used as the signal: nearly every branch of the readers ends in a message
 * of its own, and counting blocks costs more than it finds (docs/assurance.md, "Hostile input").
 */

import { type Judged, judge } from "./oracle.ts";
import { Random } from "./random.ts";
import { inputLimit, memoryLimit, type Target } from "./target.ts";

export interface Finding {
  readonly target: string;
  readonly failure: NonNullable<Judged["failure"]>;
  readonly words: string;
  readonly detail: string;
  readonly input: Uint8Array;
  /** runs of the target before it was found */
  readonly after: number;
}

export interface Figures {
  runs: number;
  accepted: number;
  outcomes: number;
  /** milliseconds spent in it, mutations included */
  spent: number;
  slowest: number;
  slowestInput: Uint8Array;
}

const poolLimit = 400;

export class Campaign {
  readonly target: Target;
  readonly findings: Finding[] = [];
  readonly figures: Figures = {
    runs: 0,
    accepted: 0,
    outcomes: 0,
    spent: 0,
    slowest: 0,
    slowestInput: new Uint8Array(0),
  };
  readonly #random: Random;
  readonly #pool: Uint8Array[] = [];
  readonly #seen = new Set<string>();
  #seeds: readonly Uint8Array[] = [];

  constructor(target: Target, seed: number) {
    this.target = target;
    this.#random = new Random(seed, target.name);
  }

  /** Makes the seeds. Throws where none is accepted, or one fails: the target would fuzz nothing. */
  async prepare(): Promise<void> {
    this.#seeds = await this.target.seeds();
    let accepted = 0;
    for (const seed of this.#seeds) {
      await judge(this.target, seed); // the first run of code is slow
      const judged = await judge(this.target, seed);
      if (judged.failure) throw new Error(`a seed of ${this.target.name} fails: ${judged.words}, ${judged.detail}`);
      if (judged.words.startsWith("accepted")) accepted++;
      this.#keep(judged, seed);
    }
    if (accepted === 0) throw new Error(`no seed of ${this.target.name} is accepted`);
  }

  /** One input more. `onInput` is told before it runs. */
  async step(onInput?: (input: Uint8Array) => void): Promise<void> {
    const start = performance.now();
    const input = this.#next();
    onInput?.(input);
    const before = process.resourceUsage().maxRSS;
    const judged = await judge(this.target, input);
    const grown = (process.resourceUsage().maxRSS - before) * 1024;
    const { figures } = this;
    figures.runs++;
    figures.spent += performance.now() - start;
    if (judged.words.startsWith("accepted")) figures.accepted++;
    if (judged.milliseconds > figures.slowest)
      Object.assign(figures, { slowest: judged.milliseconds, slowestInput: input });
    if (grown > memoryLimit / 2) {
      this.#note(
        { ...judged, failure: "memory", words: `memory: ${judged.words}`, detail: `grown by ${grown}` },
        input,
      );
    }
    this.#keep(judged, input);
  }

  #next(): Uint8Array {
    const random = this.#random;
    const one = () =>
      this.#pool.length > 0 && random.chance(0.5) ? random.pick(this.#pool) : random.pick(this.#seeds);
    // Small ones rather than large ones: they are mutated and run faster.
    const from = () => [one(), one()].sort((a, b) => a.length - b.length)[random.chance(0.75) ? 0 : 1] ?? one();
    for (let tries = 0; tries < 20; tries++) {
      const input = this.target.mutate(random, from(), from());
      if (input.length <= inputLimit) return input;
    }
    return random.pick(this.#seeds);
  }

  #keep(judged: Judged, input: Uint8Array): void {
    if (judged.failure) this.#note(judged, input);
    if (this.#seen.has(judged.words)) return;
    this.#seen.add(judged.words);
    this.figures.outcomes = this.#seen.size;
    if (this.#pool.length < poolLimit) this.#pool.push(input);
    else this.#pool[this.#random.below(poolLimit)] = input;
  }

  #note({ failure, words, detail }: Judged, input: Uint8Array): void {
    if (!failure || this.findings.some((known) => known.words === words)) return;
    this.findings.push({ target: this.target.name, failure, words, detail, input, after: this.figures.runs });
  }
}
