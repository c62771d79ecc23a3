/** How long anybody waits in these tests. */

import { setTimeout as pause } from "node:timers/promises";

const patience = 60_000;

/** The promise, or a rejection when it takes longer; `late` says of what. */
export async function within<T>(milliseconds: number, promise: Promise<T>, late = "no answer"): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${late} in ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, over]).finally(() => clearTimeout(timer));
}

/** Looks until it holds; false where that takes longer. */
export async function holdsWithin(milliseconds: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + milliseconds; Date.now() < end; await pause(15)) if (await holds()) return true;
  return false;
}

/** Looks until it holds. Throws when that takes longer than a minute. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  if (!(await holdsWithin(patience, holds))) throw new Error(`${what} did not come`);
}
