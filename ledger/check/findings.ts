/** What a check found, in the order in which it found it: the first is nearest to the cause. */

import { asRefusal, inOneLine, Refusal } from "../../manifests/refusal.ts";

export interface Finding {
  /** a row, a file, a checkpoint */
  readonly where: string;
  readonly what: string;
}

/** A log that was changed throughout must not fill the memory: the rest is counted. */
const mostKept = 1000;

export class Findings {
  readonly list: Finding[] = [];
  count = 0;

  add(where: string, what: string): void {
    this.count++;
    if (this.list.length < mostKept) this.list.push({ where, what });
  }

  /** Adds the finding unless it holds. */
  check(holds: boolean, where: string, what: string): void {
    if (!holds) this.add(where, what);
  }

  /** Does the work; a refusal is a finding, any other fault passes. Undefined: refused. */
  async attempt<T>(where: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      this.add(where, inOneLine(fault.toRecord()));
      return undefined;
    }
  }

  /** As `attempt` over what rows say that may have been changed to anything: whatever it ends with is a finding. */
  attemptRows<T>(where: string, work: () => Promise<T>): Promise<T | undefined> {
    return this.attempt(where, () =>
      work().catch((fault) => {
        throw asRefusal(fault, "INTERNAL", "the check itself failed");
      }),
    );
  }
}
