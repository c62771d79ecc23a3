/** Whether what a key signed last may be an older state than it was: each possible disagreement by name. Pure. */

export interface Found {
  /** whether the file is still the one that it was when it was written last (`identity.ts`) */
  readonly sameFile: boolean;
  /** whether it was changed since, by something else than what a crash leaves to be undone */
  readonly changed: boolean;
  /** in the file */
  readonly counter: number;
  /** in the counter's file; undefined where there is none */
  readonly beside: number | undefined;
}

/**
 * Why the state must not be gone on from, in words; undefined where it is the newest for all that can be seen here. A counter one behind is a write that was
 * cut between the two files: what was signed then was not given out yet, and stands in the newer of both.
 */
export function suspicion({ beside, changed, counter, sameFile }: Found): string | undefined {
  if (beside === undefined) return "its counter is missing";
  if (counter < beside) return `it was put back: written ${counter} times, its counter says ${beside}`;
  if (counter > beside + 1) return `its counter was put back: written ${counter} times, the counter says ${beside}`;
  if (!sameFile) return "it is another file than the one that was written last: copied, moved, or put back";
  if (changed && counter === beside) return "its file was changed since it was written last: put back, or touched";
  return undefined;
}
