/**
 * Threads that sign in sessions which this thread lends them, so that signatures are made on several cores and nothing else waits
 * for them. They load the module and never start or end it: C_Initialize, login and C_Finalize stay with `module.ts` and `token.ts`.
 */

import { Worker } from "node:worker_threads";
import { Refusal, type RefusalRecord } from "../manifests/refusal.ts";
import type { SignPlace } from "./sign-one.ts";

/** A piece of work as it is sent to a thread. */
export interface SignJob {
  readonly id: number;
  readonly place: SignPlace;
  readonly messages: readonly Uint8Array[];
}

/** Its answer; `fault` is the message of the binding's error, with the name of the return value in it. */
export type SignDone =
  | { readonly id: number; readonly signatures: readonly Uint8Array[] }
  | { readonly id: number; readonly refusal: RefusalRecord }
  | { readonly id: number; readonly fault: string; readonly code: number };

interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, PromiseWithResolvers<readonly Uint8Array[]>>;
}

const main = new URL("./sign-worker.ts", import.meta.url);
/** A thread holds one share of a chunk at a time. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

export class SignCrew {
  readonly #module: string;
  readonly #size: number;
  #members: Member[] = [];
  #last = 0;

  /** Of `size` threads for the PKCS#11 module at this absolute path, which this thread has initialised. None is started yet. */
  constructor(module: string, size: number) {
    this.#module = module;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** Starts what is not running. */
  start(): void {
    while (this.#members.length < this.#size) this.#members.push(this.#member());
  }

  /**
   * Signs each message, in order, in the session of `place`, which must be lent until this settles. Refuses with what `signOne`
   * throws, and HSM-FAULT when the thread ended.
   */
  sign(place: SignPlace, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    this.start();
    const [first] = this.#members.toSorted((a, b) => a.jobs.size - b.jobs.size);
    const { worker, jobs } = first as Member;
    const id = ++this.#last;
    const answer = Promise.withResolvers<readonly Uint8Array[]>();
    jobs.set(id, answer);
    worker.ref();
    worker.postMessage({ id, place, messages } satisfies SignJob);
    return answer.promise;
  }

  /** Ends the threads; what they were asked to sign is refused. Lend no session any more before. */
  async close(): Promise<void> {
    const members = this.#members;
    this.#members = [];
    await Promise.all(members.map(({ worker }) => worker.terminate()));
  }

  #member(): Member {
    const worker = new Worker(main, { workerData: { module: this.#module }, env: {}, execArgv: [], resourceLimits });
    const jobs: Member["jobs"] = new Map();
    const member = { worker, jobs };
    worker.on("message", (done: SignDone) => {
      const job = jobs.get(done.id);
      jobs.delete(done.id);
      if (jobs.size === 0) worker.unref();
      if ("signatures" in done) job?.resolve(done.signatures);
      else job?.reject(faultOf(done));
    });
    const ended = (why: string, cause?: unknown) => {
      this.#members = this.#members.filter((one) => one !== member);
      for (const job of jobs.values())
        job.reject(new Refusal("HSM-FAULT", `a signing thread ended: ${why}`, { cause }));
      jobs.clear();
    };
    worker.once("error", (fault) => ended(fault instanceof Error ? fault.message : `${fault}`, fault));
    worker.once("exit", (status) => ended(`status ${status}`));
    // An idle thread keeps no process alive; last, as listeners would undo it.
    worker.unref();
    return member;
  }
}

/** As the binding would have thrown it here. */
function faultOf(done: Exclude<SignDone, { signatures: unknown }>): Error {
  if ("refusal" in done) return Refusal.fromRecord(done.refusal);
  return Object.assign(new Error(done.fault), { code: done.code });
}

/** How many threads are worth their memory here. */
export function crewSize(cores: number): number {
  return Math.min(4, cores);
}

/** Messages in as many parts as there are threads, each of a size that is worth the way there. */
export function shares<T>(items: readonly T[], threads: number): readonly (readonly T[])[] {
  const each = Math.max(8, Math.ceil(items.length / threads));
  return Array.from({ length: Math.ceil(items.length / each) }, (_, at) => items.slice(at * each, (at + 1) * each));
}
