/** One piece of work after another: what is asked waits for what is under way, whatever becomes of that. */
export class InTurn {
  #last: Promise<unknown> = Promise.resolve();

  /** Does the work when all that was asked before has ended; its result or its fault. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
