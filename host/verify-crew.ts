/** Threads that check a bundle's seals and documents, so that many are verified on all cores and nothing else waits meanwhile. */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { Refusal, type RefusalRecord } from "../manifests/refusal.ts";
import {
  type Expected,
  inPlace,
  type OpenCrew,
  type SliceContext,
  type SliceResult,
} from "../manifests/verify/seal-slices.ts";
import type { BundleFolder } from "./bundle-folder.ts";
import { nodeHost } from "./crypto-host.ts";

/** Where a bundle lies, as its threads open it. */
export interface BundlePlace {
  readonly folder: string;
  readonly documents?: string;
}

/** What is sent to a thread: a bundle that is to be known by a number, its end, or a slice of it. */
export type VerifyOrder =
  | { readonly open: number; readonly place: BundlePlace; readonly context: SliceContext }
  | { readonly close: number }
  | { readonly id: number; readonly bundle: number; readonly slice: readonly Expected[] };

export type VerifyAnswer =
  | { readonly id: number; readonly result: SliceResult }
  | { readonly id: number; readonly refusal: RefusalRecord };

interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, PromiseWithResolvers<SliceResult>>;
}

/** From so many seals on threads are worth their start. */
const manySeals = 500;
const main = new URL("./verify-worker.ts", import.meta.url);
/** A thread holds a slice or two at a time. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

export class VerifyCrew {
  readonly #size: number;
  #members: Member[] = [];
  #last = 0;

  /** None of the threads is started before many seals are to be checked. */
  constructor(size = Math.min(4, availableParallelism())) {
    this.#size = size;
  }

  /** Starts the threads ahead of time, where `count` seals will be worth them. */
  ready(count: number): void {
    if (count < manySeals) return;
    while (this.#members.length < this.#size) this.#members.push(this.#member());
  }

  /**
   * Opens the crew of one bundle, which `source` reads here and the threads by `place`. Few seals are checked in this thread. Call
   * `done` when the bundle is verified.
   */
  of(place: BundlePlace, source: BundleFolder): { readonly open: OpenCrew; done(): void } {
    const bundle = ++this.#last;
    let members: readonly Member[] = [];
    return {
      open: (context, count) => {
        if (count < manySeals) return inPlace(nodeHost, source)(context, count);
        this.ready(count);
        members = this.#members;
        for (const { worker } of members) worker.postMessage({ open: bundle, place, context } satisfies VerifyOrder);
        return { slices: members.length * 2, check: (slice) => this.#check(members, bundle, slice) };
      },
      done: () => {
        for (const { worker } of members) worker.postMessage({ close: bundle } satisfies VerifyOrder);
        source.close();
      },
    };
  }

  /** Ends the threads; what they were checking is refused. */
  async close(): Promise<void> {
    const members = this.#members;
    this.#members = [];
    await Promise.all(members.map(({ worker }) => worker.terminate()));
  }

  #check(members: readonly Member[], bundle: number, slice: readonly Expected[]): Promise<SliceResult> {
    const [first] = members.toSorted((a, b) => a.jobs.size - b.jobs.size);
    const { worker, jobs } = first as Member;
    const id = ++this.#last;
    const answer = Promise.withResolvers<SliceResult>();
    jobs.set(id, answer);
    worker.ref();
    worker.postMessage({ id, bundle, slice } satisfies VerifyOrder);
    return answer.promise;
  }

  #member(): Member {
    const worker = new Worker(main, { env: {}, execArgv: [], resourceLimits });
    const jobs: Member["jobs"] = new Map();
    const member = { worker, jobs };
    worker.on("message", (answer: VerifyAnswer) => {
      const job = jobs.get(answer.id);
      jobs.delete(answer.id);
      if (jobs.size === 0) worker.unref();
      if ("result" in answer) job?.resolve(answer.result);
      else job?.reject(Refusal.fromRecord(answer.refusal));
    });
    const ended = (cause?: unknown) => {
      this.#members = this.#members.filter((one) => one !== member);
      for (const job of jobs.values()) job.reject(new Refusal("STOPPED", "a verifying thread ended", { cause }));
      jobs.clear();
    };
    worker.once("error", ended);
    worker.once("exit", () => ended());
    // An idle thread keeps no process alive; last, as listeners would undo it.
    worker.unref();
    return member;
  }
}
