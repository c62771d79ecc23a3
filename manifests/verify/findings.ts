/** What a verification found wrong, each with the file it is about. */

import { asRefusal, type RefusalCode, type RefusalRecord } from "../refusal.ts";

export interface Finding extends RefusalRecord {
  /** path below `outbox/BATCH`; `documents/NAME` for a document */
  readonly file: string;
}

/** Collects findings. A check throws a refusal; here it becomes a finding of its file, and the next check goes on. */
export class Findings {
  readonly #all: Finding[] = [];

  get all(): readonly Finding[] {
    return this.#all;
  }

  /** Whether something is wrong with the file. */
  blames(file: string): boolean {
    return this.#all.some((finding) => finding.file === file);
  }

  add(file: string, code: RefusalCode, message: string, detail: { expected?: string; got?: string } = {}): void {
    this.#all.push({ code, file, message, ...detail });
  }

  /** Takes over what was found elsewhere. */
  take(found: readonly Finding[]): void {
    this.#all.push(...found);
  }

  /** Runs a check of `file`. What it throws is recorded, and undefined comes back. */
  async check<T>(file: string, run: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await run();
    } catch (thrown) {
      this.#all.push({ ...asRefusal(thrown, "INTERNAL", "the check itself failed").toRecord(), file });
      return undefined;
    }
  }
}
