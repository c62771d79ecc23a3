/** The daemon's working state, in memory only: batches, the inbox, figures of work, and the signer's last status. */

import { utcOf } from "../../manifests/encoding/shape.ts";
import { advance, type BatchEvent, type BatchState } from "./batch-state.ts";
import type { Surroundings } from "./batch-words.ts";
import type { BoxView } from "./box-view.ts";
import type { Inbox } from "./inbox-state.ts";
import { type Moment, momentOf } from "./next-step.ts";
import { Pulse } from "./pulse.ts";
import { type Work, type WorkDone, workBegun, workSeen } from "./work-rate.ts";

/** So many refused batches are kept to be listed, and so many that ended otherwise: refusals push no sealed batch out. */
export const endedKept = 200;

export class Book {
  /** beats whenever anything here changed */
  readonly changes = new Pulse();
  readonly #clock: () => number;
  readonly #batches = new Map<string, BatchState>();
  readonly #work = new Map<string, Work>();
  readonly #busy = new Map<string, Promise<unknown>>();
  #inbox: Inbox = new Map();
  #box: BoxView;
  #leftOut: readonly string[] = [];
  /** whether what the signer knows was joined with what the spool holds */
  #ready = false;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  get now(): number {
    return this.#clock();
  }

  get ready(): boolean {
    return this.#ready;
  }

  get batches(): readonly BatchState[] {
    return [...this.#batches.values()];
  }

  get live(): readonly BatchState[] {
    return this.batches.filter(({ phase }) => phase.at !== "ended");
  }

  get inbox(): Inbox {
    return this.#inbox;
  }

  get box(): BoxView {
    return this.#box;
  }

  /** what the last look at the stick left out, in words */
  get leftOut(): readonly string[] {
    return this.#leftOut;
  }

  get moment(): Moment {
    return momentOf(this.#box, this.now);
  }

  get surroundings(): Surroundings {
    return {
      now: this.now,
      utc: utcOf(this.now),
      box: this.#box,
      ready: this.#ready,
      batches: this.batches,
      work: (id) => this.#work.get(id),
    };
  }

  get(id: string): BatchState | undefined {
    return this.#batches.get(id);
  }

  /** A live batch of that digest. */
  liveByDigest(digest: string): BatchState | undefined {
    return this.live.find((one) => one.digest === digest);
  }

  put(state: BatchState): void {
    // Newest last, so that the oldest ended ones go first.
    this.#batches.delete(state.id);
    this.#batches.set(state.id, state);
    if (state.phase.at === "ended") this.#forget(state.phase.as === "refused");
    this.changes.beat();
  }

  /** What is forgotten here the signer still knows (`recorded-batch.ts`). */
  #forget(refused: boolean): void {
    const ended = this.batches.filter(({ phase }) => phase.at === "ended" && (phase.as === "refused") === refused);
    for (const { id } of ended.slice(0, Math.max(0, ended.length - endedKept))) this.#batches.delete(id);
  }

  /** Gives the state after the event. */
  apply(id: string, event: BatchEvent): BatchState | undefined {
    const before = this.#batches.get(id);
    if (!before) return undefined;
    const after = advance(before, event, this.now);
    if (after !== before) this.#batches.set(id, after);
    if (after.phase.at === "ended" && before.phase.at !== "ended") this.put(after);
    this.changes.beat();
    return after;
  }

  setInbox(change: (inbox: Inbox) => Inbox): void {
    const after = change(this.#inbox);
    if (after === this.#inbox) return;
    this.#inbox = after;
    this.changes.beat();
  }

  /** Whether these words are others than before. */
  setLeftOut(words: readonly string[]): boolean {
    const changed = words.join() !== this.#leftOut.join();
    this.#leftOut = words;
    if (changed) this.changes.beat();
    return changed;
  }

  setBox(box: BoxView): void {
    this.#box = box;
    this.changes.beat();
  }

  setReady(): void {
    this.#ready = true;
    this.changes.beat();
  }

  /** Notes how far work is; `undefined`: none is under way. */
  setWork(id: string, done: WorkDone | undefined): void {
    if (done === undefined) this.#work.delete(id);
    else {
      const work = this.#work.get(id);
      this.#work.set(id, work ? workSeen(work, done, this.now) : workBegun(done, this.now));
    }
    this.changes.beat();
  }

  /** Runs one thing after another for a batch, so that a decision and a step never cross. */
  async exclusive<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    this.#busy.set(id, settled);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(id) === settled) this.#busy.delete(id);
    }
  }
}
