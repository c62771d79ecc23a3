/** Threads of one main file that take numbered jobs; what their callers share, whatever the work is. */

import { Worker } from "node:worker_threads";
import { compileCache } from "./compile-cache.ts";

/** What a thread answers: `id` is the job's, the rest is the caller's to read. */
interface Answer {
  readonly id: number;
}

interface Member<A> {
  readonly worker: Worker;
  readonly jobs: Map<number, PromiseWithResolvers<A>>;
  over: boolean;
}

export interface CrewOrder {
  readonly main: URL;
  readonly size: number;
  readonly data?: unknown;
  /** what a thread holds at most; one that would hold more ends */
  readonly resourceLimits: { readonly maxOldGenerationSizeMb: number; readonly maxYoungGenerationSizeMb: number };
}

/** A thread ended, or could not be made: the job was not done, or not told to be. */
export class ThreadEnded extends Error {}

export class ThreadCrew<A extends Answer> {
  readonly #order: CrewOrder;
  #members: Member<A>[] = [];
  #last = 0;

  /** None of the threads is started yet. */
  constructor(order: CrewOrder) {
    this.#order = order;
  }

  get size(): number {
    return this.#order.size;
  }

  /** How many run. */
  get running(): number {
    return this.#members.length;
  }

  /** Starts what is not running. Throws ThreadEnded where a thread cannot be made; those that run go on. */
  start(): void {
    while (this.#members.length < this.#order.size) this.#members.push(this.#member());
  }

  /** Sends something to all threads that run, and gives those: a later job for them says so by `among`. */
  tell(message: unknown): readonly object[] {
    for (const { worker } of this.#members) worker.postMessage(message);
    return this.#members;
  }

  /** Gives a job to the thread with the fewest. Rejects with ThreadEnded. */
  ask(job: object, among: readonly object[] = this.#members): Promise<A> {
    const able = (among as readonly Member<A>[]).filter(({ over }) => !over);
    const [least] = able.toSorted((a, b) => a.jobs.size - b.jobs.size);
    if (!least) return Promise.reject(new ThreadEnded("no thread is there"));
    const id = ++this.#last;
    const answer = Promise.withResolvers<A>();
    least.jobs.set(id, answer);
    least.worker.ref();
    least.worker.postMessage({ ...job, id });
    return answer.promise;
  }

  /** Ends the threads; what they were asked is rejected. It may be started again. */
  async close(): Promise<void> {
    const members = this.#members;
    this.#members = [];
    await Promise.all(members.map(({ worker }) => worker.terminate()));
  }

  #member(): Member<A> {
    const { main, data, resourceLimits } = this.#order;
    let worker: Worker;
    try {
      // Not the flags of this process: what a launcher loads into it would run in every thread.
      worker = new Worker(main, { workerData: data, env: compileCache, execArgv: [], resourceLimits });
    } catch (cause) {
      throw new ThreadEnded("a thread cannot be made", { cause });
    }
    const member: Member<A> = { worker, jobs: new Map(), over: false };
    const ended = (why: string, cause?: unknown) => {
      member.over = true;
      this.#members = this.#members.filter((one) => one !== member);
      for (const job of member.jobs.values()) job.reject(new ThreadEnded(`a thread ended: ${why}`, { cause }));
      member.jobs.clear();
    };
    worker.on("message", (answer: A) => {
      member.jobs.get(answer.id)?.resolve(answer);
      member.jobs.delete(answer.id);
      if (member.jobs.size === 0) worker.unref();
    });
    worker.once("messageerror", (fault) => {
      ended("its answer cannot be read", fault);
      void worker.terminate();
    });
    worker.once("error", (fault) => ended(fault instanceof Error ? fault.message : `${fault}`, fault));
    worker.once("exit", (status) => ended(`status ${status}`));
    // An idle thread keeps no process alive; last, as listeners would undo it.
    worker.unref();
    return member;
  }
}
