/**
 * Threads that sign in sessions which this thread lends them, so that signatures are made on several cores. They load the module and
 * never start or end it: C_Initialize, login and C_Finalize stay with `module.ts` and `token.ts`.
 */

import { ThreadCrew, ThreadEnded } from "../host/thread-crew.ts";
import { Refusal, type RefusalRecord } from "../manifests/refusal.ts";
import { signaturesOf } from "./objects.ts";
import type { SignPlace } from "./sign-one.ts";

/** A piece of work as it is sent to a thread. */
export interface SignJob {
  readonly place: SignPlace;
  readonly messages: readonly Uint8Array[];
}

/** Its answer; `fault` is the message of the binding's error, with the name of the return value in it. */
export type SignDone = { readonly id: number } & (
  | { readonly signatures: readonly Uint8Array[] }
  | { readonly refusal: RefusalRecord }
  | { readonly fault: string; readonly code: number }
);

const main = new URL("./sign-worker.ts", import.meta.url);
/** A thread holds one share of a chunk at a time. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };
/** Each thread that works has a session of the token: some tokens have few. */
const mostThreads = 4;

/** What a thread was asked for, and when the login's count of signatures last changed as far as anybody looked. */
interface Waiting {
  readonly over: Int32Array;
  seen: number;
  since: number;
}

export class SignCrew {
  readonly #threads: ThreadCrew<SignDone>;
  readonly #waiting = new Set<Waiting>();

  /** Of `size` threads for the PKCS#11 module at this absolute path, which this thread has initialised. None is started yet. */
  constructor(module: string, size: number) {
    this.#threads = new ThreadCrew({ main, size: Math.min(mostThreads, size), data: { module }, resourceLimits });
  }

  get size(): number {
    return this.#threads.size;
  }

  /** Starts the threads ahead of time, as far as the system lets it; a hint, which never throws. */
  start(): void {
    try {
      this.#threads.start();
    } catch (fault) {
      if (!(fault instanceof ThreadEnded)) throw fault;
    }
  }

  /**
   * Signs each message, in order, in the session of `place`, which must be lent until this settles. Throws what `signOne`
   * throws; a thread that ended is told as the binding tells a call that was cancelled, so that another session and thread are tried.
   */
  async sign(place: SignPlace, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    this.start();
    const waiting = { over: place.over, seen: signaturesOf(place.over), since: performance.now() };
    this.#waiting.add(waiting);
    const asked = this.#threads.ask({ place, messages } satisfies SignJob).catch((cause: unknown) => {
      throw new Error(`CKR_FUNCTION_CANCELED: ${(cause as Error).message}`, { cause });
    });
    const done = await asked.finally(() => this.#waiting.delete(waiting));
    if ("signatures" in done) return done.signatures;
    if ("refusal" in done) throw Refusal.fromRecord(done.refusal);
    throw Object.assign(new Error(done.fault), { code: done.code });
  }

  /**
   * For how many milliseconds no signature came although a thread waits for one; 0 where none does. A call that hangs cannot be ended, only told of. Counts from
   * look to look: ask regularly.
   */
  silence(): number {
    const now = performance.now();
    let longest = 0;
    for (const waiting of this.#waiting) {
      const seen = signaturesOf(waiting.over);
      if (seen !== waiting.seen) Object.assign(waiting, { seen, since: now });
      longest = Math.max(longest, now - waiting.since);
    }
    return longest;
  }

  /** Ends the threads. Lend no session any more before. */
  close(): Promise<void> {
    return this.#threads.close();
  }
}

/** Messages in as many parts as there are threads, each of a size that is worth the way there. */
export function shares<T>(items: readonly T[], threads: number): readonly (readonly T[])[] {
  const each = Math.max(8, Math.ceil(items.length / threads));
  return Array.from({ length: Math.ceil(items.length / each) }, (_, at) => items.slice(at * each, (at + 1) * each));
}
