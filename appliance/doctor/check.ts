/** What a check of the doctor is, and what it says. */

import type { System } from "./system.ts";

/** `unknown`: it cannot be seen here, which is no better than falling short. */
export type Outcome = "good" | "short" | "unknown";

export interface Check {
  /** as in docs/hardening.md, which has a row for each */
  readonly id: string;
  /** what should be so */
  readonly title: string;
  /** how a person looks at the same */
  readonly command: string;
  /** what to do where it is not so */
  readonly next: string;
  /** what was found, and whether it is good; undefined: it cannot be seen */
  look(system: System): { readonly good: boolean; readonly got: string } | undefined;
}

export interface Finding {
  readonly id: string;
  readonly outcome: Outcome;
  readonly title: string;
  readonly got: string;
  readonly command: string;
  readonly next: string;
}

/** Every check over a system, in order. Never throws. */
export function examine(checks: readonly Check[], system: System): readonly Finding[] {
  return checks.map(({ id, title, command, next, look }) => {
    const seen = look(system);
    const outcome: Outcome = seen === undefined ? "unknown" : seen.good ? "good" : "short";
    return { id, outcome, title, got: seen?.got ?? "cannot be seen here", command, next };
  });
}

/** A file that holds one word or number. */
export function setting(
  path: string,
  good: (value: string) => boolean,
): (system: System) => { readonly good: boolean; readonly got: string } | undefined {
  return (system) => {
    const value = system.text(path)?.trim();
    return value === undefined ? undefined : { good: good(value), got: value };
  };
}
