/** What a check found, in the order in which it found it: the first is nearest to the cause. */

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
}
