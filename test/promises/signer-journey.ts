/** A signer that is driven through the life of batches by what the daemon and the people do, again and again until each has ended, whatever dies or fails on the way. */

import { authorize, orderAbort, reject } from "../../appliance/signer/authorize.ts";
import { refuse } from "../../appliance/signer/refuse.ts";
import { released } from "../../appliance/signer/report.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { rightPin } from "../appliance/signer/fake-hsm.ts";
import {
  authorization,
  dissent,
  listOf,
  type MadeBatch,
  makeBatch,
  operators,
  policyDigest,
  root,
} from "../appliance/signer/people.ts";
import { filesOf, TestBox } from "../appliance/signer/test-box.ts";
import type { Breach } from "./breach.ts";
import { type BoxAtRest, breaches } from "./check-box.ts";
import { Effects, Killed, type Plan } from "./effects.ts";
import { watchStore } from "./store-effects.ts";
import { Told } from "./told.ts";

/** How a batch is to end. "locked": sealed, but the box is locked in the middle of it. */
export type End = "sealed" | "rejected" | "aborted early" | "aborted" | "locked";

export interface Wanted {
  readonly end: End;
  readonly count: number;
}

export class SignerJourney {
  readonly box: TestBox;
  readonly effects = new Effects();
  readonly told = new Told();
  readonly approved = new Set<string>();
  /** what failed on the way, in order */
  readonly faults: string[] = [];
  readonly wanted: readonly { readonly end: End; readonly batch: MadeBatch }[];
  /** batches in the middle of which the box was locked: once each */
  readonly #locked = new Set<MadeBatch>();
  #hung = Promise.withResolvers<never>();
  /** plans for the lives after the first */
  readonly #later: Plan[];

  private constructor(
    box: TestBox,
    wanted: readonly { readonly end: End; readonly batch: MadeBatch }[],
    later: readonly Plan[],
  ) {
    this.box = box;
    this.wanted = wanted;
    this.#later = [...later];
    watchStore(box.box.db.name, this.effects);
    box.hsm.around = (name, act) =>
      this.effects.around(name, act, () => {
        if (name === "login" || name === "write head") return new Refusal("HSM-FAULT", "the token failed");
        return new Refusal("HSM-GONE", "the token went away");
      });
  }

  static async make(wanted: readonly Wanted[], later: readonly Plan[] = []): Promise<SignerJourney> {
    const batches = wanted.map(async ({ end, count }, at) => ({
      end,
      batch: await makeBatch(listOf(count, `b${at}`), { batch: `batch-${at}` }),
    }));
    return new SignerJourney(await TestBox.make({}, { time: {} }), await Promise.all(batches), later);
  }

  /** Lives through it all with one effect failing as planned. */
  async run(plan?: Plan): Promise<void> {
    this.effects.arm(plan);
    for (const { end, batch } of this.wanted) {
      for (let tries = 0; !this.#isOver(batch); tries++) {
        if (tries > 20) throw new Error(`no end of ${end}: ${this.faults.join("; ")}`);
        await this.#lives(() => this.#proceed(batch, end));
      }
    }
    await this.#lives(() => this.#rest());
    if (this.effects.dead) await this.#recover(new Killed("at rest"));
    this.effects.revive();
    for (let tries = 0; !this.box.box.lockbox.unlocked && tries < 5; tries++)
      await this.#lives(() => this.box.unlock());
  }

  /** Until it ends, fails or hangs; what it takes to go on is done. */
  async #lives(work: () => Promise<void>): Promise<void> {
    this.#hung = Promise.withResolvers();
    await Promise.race([work(), this.#hung.promise]).catch((fault) => this.#recover(fault));
  }

  /** A call that never returns: somebody ends the process. Never settles. */
  hang(): Promise<never> {
    this.effects.dead = true;
    this.#hung.reject(new Killed("it hung"));
    return new Promise(() => undefined);
  }

  check(): Promise<readonly Breach[]> {
    return breaches(this.atRest());
  }

  /** The box as the checker sees it. */
  atRest(): BoxAtRest {
    const { box } = this;
    return {
      db: box.box.db,
      token: {
        head: box.hsm.heads.at(-1),
        genesis: box.hsm.genesis?.content,
        sealed: box.hsm.sealed,
        stamped: box.hsm.stamped,
      },
      trust: { roots: [root.certificate], genesis: policyDigest(box.policy) },
      quorum: 2,
      approved: this.approved,
      told: this.told,
      receipt: (number) => filesOf(box, number),
      ended: true,
      secrets: { values: [utf8(rightPin)], folders: [box.folder] },
    };
  }

  #isOver({ batchDigest }: MadeBatch): boolean {
    const { batches } = this.box.box;
    const batch = batches.findNewest(Buffer.from(batchDigest, "hex"));
    if (!batch) return false;
    const state = batches.state(batch);
    const number = batches.number(batch);
    return (
      (state === "rejected" || state === "aborted" || state === "sealed") &&
      (number === null || batches.released(number))
    );
  }

  /** The next thing that people or the daemon would do for the batch; what was answered is told. */
  async #proceed(batch: MadeBatch, end: End): Promise<void> {
    const { box } = this.box;
    const told = this.told.of(batch.batchDigest);
    const known = box.batches.findNewest(Buffer.from(batch.batchDigest, "hex"));
    const state = known && box.batches.state(known);
    if (!known) {
      await refuse(box, { folder: "odd", batchDigest: null, code: "MEDIA-KIND", message: "a link", reported: {} });
      await this.box.challenge(batch);
      told.accepted = true;
    } else if (state === "challenged") {
      const challenge = await this.box.challenge(batch);
      if (end === "rejected") {
        await reject(box, batch.batchDigest, await dissent(challenge, "rejection", operators.op3));
        told.ending = "rejected";
        return;
      }
      this.approved.add(batch.batchDigest);
      await authorize(box, batch.batchDigest, await authorization(challenge, operators.op1, operators.op2));
      told.authorized = true;
    } else if (state === "authorized" && end === "aborted early") {
      await orderAbort(box, batch.batchDigest, await dissent(await this.box.challenge(batch), "abort", operators.op1));
      told.ending = "aborted";
    } else if (state === "authorized" || state === "sealing") {
      if (!box.lockbox.unlocked) await this.box.unlock();
      await this.#seal(batch, end);
    } else {
      const number = box.batches.number(known);
      if (number !== null) {
        // Asked again: the head covers the end before it is told.
        if (box.lockbox.unlocked) told.result = await this.box.seal(batch);
        released(box, number, { device: "none" });
        told.released = true;
      }
    }
  }

  async #seal(batch: MadeBatch, end: End): Promise<void> {
    const told = this.told.of(batch.batchDigest);
    let meanwhile: Promise<unknown> | undefined;
    const order = await dissent(await this.box.challenge(batch), "abort", operators.op3, "wrong contract");
    const result = this.box.seal(batch, (done) => {
      told.sealed = Math.max(told.sealed, done);
      if (done === 0 || meanwhile) return;
      if (end === "locked" && !this.#locked.has(batch)) {
        this.#locked.add(batch);
        meanwhile = this.box.box.lockbox.lock("in the middle");
      }
      if (end === "aborted") {
        meanwhile = orderAbort(this.box.box, batch.batchDigest, order).then(() => {
          told.ending = "aborted";
        });
        meanwhile.catch(() => undefined);
      }
    });
    try {
      told.result = await result;
    } finally {
      await Promise.resolve(meanwhile).catch(() => undefined);
    }
  }

  async #rest(): Promise<void> {
    await this.box.box.lockbox.lock("the day is over");
    await this.box.unlock();
  }

  /** After a death, or a fault of the store that may have lost something, another process opens the box; else people just go on. */
  async #recover(fault: unknown): Promise<void> {
    this.faults.push(asRefusal(fault, "INTERNAL", String(fault)).message);
    if (this.effects.dead || this.box.box.fault) {
      await new Promise(setImmediate);
      this.box.kill();
      // What is signed anew would say another time.
      this.box.clocks.offset += 2_000;
      const next = this.#later.shift();
      if (next) this.effects.arm(next);
      else this.effects.revive();
      await this.box.open().catch((again) => {
        if (!this.effects.dead) throw again;
        return this.#recover(again);
      });
    } else if (fault instanceof TypeError || fault instanceof ReferenceError) {
      throw fault;
    }
  }

  remove(): void {
    this.box.remove();
  }
}
