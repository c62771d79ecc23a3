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

/** Looks until it holds. Throws when that takes longer than a minute. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + patience; Date.now() < end; await pause(40)) if (await holds()) return;
  throw new Error(`${what} did not come`);
}
