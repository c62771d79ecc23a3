/** A real signer over SoftHSM that dies at chosen system calls in a batch's life, and goes on; the box lives through all points one after another. */

import { join } from "node:path";
import Database from "better-sqlite3";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import {
  authorization,
  listOf,
  type MadeBatch,
  makeBatch,
  operators,
  policyDigest,
  root,
} from "../appliance/signer/people.ts";
import { RealSigner, tokenPin } from "../appliance/signer/real-signer.ts";
import type { Breach } from "./breach.ts";
import { breaches } from "./check-box.ts";
import { DeathPlan, type Point } from "./dying-process.ts";
import { tokenContents } from "./token-contents.ts";
import { Told } from "./told.ts";

/** More than a chunk. */
const documents = 66;

export class SignerSweep {
  readonly signer: RealSigner;
  readonly #plan: DeathPlan;
  readonly #told = new Told();
  readonly approved = new Set<string>();
  #batches = 0;

  private constructor(signer: RealSigner) {
    this.signer = signer;
    this.#plan = new DeathPlan(join(signer.folder, "plan"));
    signer.under = this.#plan.under;
  }

  static async make(): Promise<SignerSweep> {
    return new SignerSweep(await RealSigner.make("p256", "ecdsa-p256-sha256", "p256"));
  }

  /** Lives through a batch without dying: how many calls the start took, and all of it. */
  async measure(call: string): Promise<{ readonly start: number; readonly all: number }> {
    this.#plan.set({ call, when: 0 });
    await this.signer.start();
    const start = this.#plan.calls;
    await this.life(await this.nextBatch());
    const all = this.#plan.calls;
    await this.signer.end("SIGKILL");
    return { start, all };
  }

  /** A batch's life with a death in it; what is broken afterwards. `died`: the point was reached. */
  async die(point: Point): Promise<{ readonly died: boolean; readonly broken: readonly Breach[] }> {
    const batch = await this.nextBatch();
    this.#plan.set(point);
    let died = false;
    const begun = await this.signer.start().then(
      () => true,
      () => false,
    );
    if (begun) {
      died = await this.life(batch).then(
        () => false,
        () => true,
      );
    } else died = true;
    for (let tries = 0; died; tries++) {
      await this.signer.end("SIGKILL");
      await this.signer.start();
      try {
        await this.life(batch);
        break;
      } catch (fault) {
        if (tries === 3) throw fault;
      }
    }
    await this.signer.end("SIGKILL");
    return { died: this.#plan.died, broken: await this.check() };
  }

  /** The signer must have ended. */
  async check(): Promise<readonly Breach[]> {
    const db = new Database(this.signer.store);
    try {
      const token = await tokenContents(this.signer);
      const numbers = db.prepare<[], number>("SELECT count(*) FROM manifests").pluck().get() as number;
      // Receipts come from the signer itself, below: the store is its own while it runs.
      const found = await breaches({
        db,
        token,
        trust: { roots: [root.certificate], genesis: policyDigest(this.signer.policy) },
        quorum: 2,
        approved: this.approved,
        told: this.#told,
        receipt: () => Promise.reject(new Error("asked of the process")),
        ended: true,
        receipts: false,
        secrets: { values: [utf8(tokenPin)], folders: [join(this.signer.folder, "state")] },
      });
      return numbers === this.#sealedToTell
        ? found
        : [...found, ["NOTHING-LOST", `${numbers} manifests of ${this.#sealedToTell}`]];
    } finally {
      db.close();
    }
  }

  get #sealedToTell(): number {
    return this.#told.all.filter(([, { result }]) => result).length;
  }

  async remove(): Promise<void> {
    await this.signer.remove();
  }

  async nextBatch(): Promise<MadeBatch> {
    const name = `sweep-${++this.#batches}`;
    return makeBatch(listOf(documents, name), { batch: name });
  }

  /** All that is left to do for the batch, as daemon and people do it. */
  async life(batch: MadeBatch): Promise<void> {
    const { signer } = this;
    const told = this.#told.of(batch.batchDigest);
    const state = await this.#state(batch);
    if (state === undefined || state === "challenged") {
      const challenge = await signer.challenge(batch);
      told.accepted = true;
      this.approved.add(batch.batchDigest);
      await signer.call(
        "authorize",
        { batchDigest: batch.batchDigest },
        await authorization(challenge, operators.op1, operators.op2),
      );
      told.authorized = true;
    }
    await signer.unlock();
    const { number, outcome } = await signer.seal(batch, ({ done }) => {
      told.sealed = Math.max(told.sealed, done as number);
    });
    told.result = { number: number as number, outcome: outcome as "sealed" };
    await signer.call("released", { number: number as number, media: {} });
    told.released = true;
    await signer.ceremony("lock");
    await signer.unlock();
  }

  async #state(batch: MadeBatch): Promise<unknown> {
    try {
      return (await this.signer.call("batch", { batchDigest: batch.batchDigest })).result.state;
    } catch (fault) {
      if (fault instanceof Refusal && fault.code === "BATCH-UNKNOWN") return undefined;
      throw fault;
    }
  }
}
