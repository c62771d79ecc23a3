/** Threads that check a bundle's seals and documents, so that many are verified on all cores and nothing else waits meanwhile. */

import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import {
  type Expected,
  inPlace,
  type OpenCrew,
  type SealCrew,
  type SliceContext,
  type SliceResult,
} from "../manifests/verify/seal-slices.ts";
import { nodeHost } from "./crypto-host.ts";
import type { BundlePlace, OpenBundle } from "./packed-bundle.ts";
import { ThreadCrew, ThreadEnded } from "./thread-crew.ts";

/** What is sent to a thread: a bundle that is to be known by a number, or a job: a slice of it, its end, or what only the thread's own main file knows. */
export type VerifyOrder =
  | { readonly open: number; readonly place: BundlePlace; readonly context: SliceContext }
  | { readonly id: number; readonly bundle: number; readonly slice: readonly Expected[] }
  | { readonly id: number; readonly close: number }
  | { readonly id: number; readonly job: unknown };

/** `result` is undefined where the bundle was closed, or could not be checked. */
export interface CrewAnswer {
  readonly id: number;
  readonly result?: SliceResult | undefined;
  readonly other?: unknown;
}

export interface CrewSize {
  /** threads beside this one; as many as there are cores for unless said */
  readonly threads?: number;
  /** whether this thread checks slices too once the others have work: it must have nothing to do that cannot wait for some milliseconds */
  readonly joins?: boolean;
  /** of a thread; it serves by `serveCrew` */
  readonly main?: URL;
}

const mostAtOnce = 4;
/** From so many seals on threads are worth their start. */
export const manySeals = 500;
const verifyMain = new URL("./verify-worker.ts", import.meta.url);
/** A thread holds a slice or two at a time. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

export class VerifyCrew {
  readonly #threads: ThreadCrew<CrewAnswer>;
  readonly #joins: boolean;
  #last = 0;

  /** None of the threads is started before many seals are to be checked. */
  constructor({ joins = false, main = verifyMain, threads }: CrewSize = {}) {
    const size = threads ?? Math.min(mostAtOnce, availableParallelism()) - (joins ? 1 : 0);
    this.#threads = new ThreadCrew({ main, size, resourceLimits });
    this.#joins = joins;
  }

  /** Starts the threads ahead of time, where `count` seals will be worth them and as far as the system lets it; never throws. */
  ready(count: number): void {
    if (count < manySeals) return;
    try {
      this.#threads.start();
    } catch (fault) {
      if (!(fault instanceof ThreadEnded)) throw fault;
    }
  }

  /** Starts threads for a bundle while its lists are read. What lies in its first folder of seals is a hint, and no more is made of it. */
  async readyFor(source: Pick<OpenBundle, "list">): Promise<void> {
    this.ready((await source.list("seals/0000").catch(() => [])).length);
  }

  /** Has a thread do what its main file knows besides; undefined where none did it. What it gives, and where it fails, is that file's to say. */
  async other(job: object): Promise<unknown> {
    return (await this.#asked({ job }))?.other;
  }

  /**
   * Opens the crew of one bundle, which `source` reads here and the threads by `place`, as soon as that is known. Few seals are checked in this thread, and
   * so is whatever a thread did not do. Call `done` when the bundle is verified; on return nothing of it is open.
   */
  of(
    place: BundlePlace | Promise<BundlePlace>,
    source: OpenBundle,
  ): { readonly open: OpenCrew; done(): Promise<void> } {
    const bundle = ++this.#last;
    const known = Promise.resolve(place);
    known.catch(() => undefined); // where there is none, whoever reads it here says so
    let telling: Promise<readonly object[]> = Promise.resolve([]);
    return {
      open: (context, count) => {
        const here = inPlace(nodeHost, source)(context, count);
        this.ready(count);
        const { running } = this.#threads;
        if (count < manySeals || running === 0) return here;
        const tell = (there: BundlePlace) =>
          this.#threads.tell({ open: bundle, place: there, context } satisfies VerifyOrder);
        telling = known.then(tell, () => []);
        const there: SealCrew = {
          slices: running * 2,
          check: async (slice) => (await this.#asked({ bundle, slice }, await telling))?.result ?? here.check(slice),
        };
        return this.#joins ? joined(there, here) : there;
      },
      done: async () => {
        await Promise.allSettled((await telling).map((member) => this.#threads.ask({ close: bundle }, [member])));
        source.close();
      },
    };
  }

  /** Ends the threads. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  /** Undefined where no thread did it. */
  async #asked(job: object, among?: readonly object[]): Promise<CrewAnswer | undefined> {
    try {
      return await this.#threads.ask(job, among);
    } catch (fault) {
      if (fault instanceof ThreadEnded) return undefined;
      throw fault;
    }
  }
}

/** Threads and this one: it takes a slice when the threads have all that they take at a time, so that none waits while this one is busy. */
function joined(there: SealCrew, here: SealCrew): SealCrew {
  let out = 0;
  let busy = false;
  return {
    slices: there.slices + here.slices,
    check: async (slice) => {
      if (out >= there.slices && !busy) {
        busy = true;
        return here
          .check(slice)
          .finally(setImmediate) // what the threads did meanwhile is heard before the next slice is given out
          .finally(() => {
            busy = false;
          });
      }
      out++;
      return there.check(slice).finally(() => {
        out--;
      });
    },
  };
}
