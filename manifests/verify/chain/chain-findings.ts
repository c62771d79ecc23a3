/** Findings of a chain: a bound number of them is kept, all are counted, and none that decides the verdict is left out. */

import type { RefusalCode } from "../../refusal.ts";
import { type Finding, Findings } from "../findings.ts";

/** Kept one by one. */
export const mostFindings = 1000;

export class ChainFindings {
  readonly #all: Finding[] = [];
  readonly #codes = new Set<RefusalCode>();
  #count = 0;

  get all(): readonly Finding[] {
    return this.#all;
  }

  /** With those that were not kept. */
  get count(): number {
    return this.#count;
  }

  add(file: string, code: RefusalCode, message: string, detail: { expected?: string; got?: string } = {}): void {
    this.#take({ code, file, message, ...detail });
  }

  /** Runs a check of `file`. What it throws is recorded, and undefined comes back. */
  async check<T>(file: string, run: () => Promise<T> | T): Promise<T | undefined> {
    const found = new Findings();
    const result = await found.check(file, run);
    for (const one of found.all) this.#take(one);
    return result;
  }

  /** What was found of files below a folder. */
  takeBelow(place: string, found: readonly Finding[]): void {
    for (const one of found) this.#take({ ...one, file: [place, one.file].filter((part) => part !== "").join("/") });
  }

  /** What was found elsewhere, with what was not kept there. */
  takeAll(other: ChainFindings): void {
    for (const one of other.all) this.#take(one);
    this.#count += other.count - other.all.length;
  }

  /** The first of each code is always kept: one of them may be what the main indication hangs on. */
  #take(finding: Finding): void {
    this.#count += 1;
    if (this.#all.length >= mostFindings && this.#codes.has(finding.code)) return;
    this.#codes.add(finding.code);
    this.#all.push(finding);
  }
}
