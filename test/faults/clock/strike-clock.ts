/**
 * A jump of the clock at a step of a batch, on a box of its own: what the box says and does while it lasts, how people put it right (the clock set right, or a
 * quorum's order where it stays or where the record is ahead of it), whether the batch ends, the next one is sealed, and every promise holds.
 */

import { renameSync } from "node:fs";
import type Database from "better-sqlite3";
import { orderBytes } from "../../../manifests/records/order.ts";
import { signedOrder } from "../../appliance/signer/order-of.ts";
import { fromNow, policyDigest } from "../../appliance/signer/people.ts";
import type { Breach } from "../../promises/breach.ts";
import { pause } from "../../promises/real-daemon.ts";
import { Batches } from "../batches.ts";
import { FaultBox } from "../fault-box.ts";
import type { Life } from "../life.ts";
import type { ClockPoint } from "../point.ts";
import type { Outcome } from "../strike.ts";
import { until } from "../waiting.ts";
import { FakeClock } from "./fake-clock.ts";
import { jumpSeconds } from "./jumps.ts";

/** Milliseconds that the box gets to come as far as it can while its clock is wrong; it looks around every second. */
const whileWrong = 5_000;

export async function strikeClock(point: ClockPoint): Promise<Outcome> {
  let clocks: Clocks | undefined;
  const box = await FaultBox.make({
    under: (folder) => {
      clocks = { signer: new FakeClock(folder, "signer"), daemon: new FakeClock(folder, "daemon") };
      return { signer: clocks.signer.under, daemon: clocks.daemon.under };
    },
  });
  try {
    return await new Jumped(box, clocks as Clocks, point).strike();
  } finally {
    await box.remove();
  }
}

interface Clocks {
  readonly signer: FakeClock;
  readonly daemon: FakeClock;
}

class Jumped {
  readonly #box: FaultBox;
  readonly #clocks: Clocks;
  readonly #point: ClockPoint;
  readonly #batches: Batches;
  readonly #broken: Breach[] = [];
  /** the signer's clock jumps */
  readonly #signer: boolean;
  readonly #back: boolean;
  #orders = 0;

  constructor(box: FaultBox, clocks: Clocks, point: ClockPoint) {
    this.#box = box;
    this.#batches = new Batches(box);
    this.#clocks = clocks;
    this.#point = point;
    this.#signer = point.part !== "daemon";
    this.#back = jumpSeconds[point.fault] < 0;
  }

  async strike(): Promise<Outcome> {
    const life = await this.#untilJump();
    await this.#wrong(life);
    await this.#right(life);
    await life.untilAnswered("daemon");
    const next = await this.#plug("next");
    await next.untilAnswered("daemon");
    if (!next.end || !("number" in next.end)) this.#broken.push(["CLOCK", "the next batch is not sealed"]);
    this.#broken.push(...life.broken, ...next.broken);
    if (this.#broken.length === 0) this.#broken.push(...(await this.#judged([life, next])));
    const { restarted, byHand, told, end } = life;
    const refused = end && "refused" in end ? end.refused : undefined;
    return { struck: true, broken: this.#broken, restarted, byHand, told, refused };
  }

  /** Brings a batch to the step, and lets the clock jump there. */
  async #untilJump(): Promise<Life> {
    const { where } = this.#point;
    if (where === "before-intake") {
      this.#jump();
      return this.#plug("jumped");
    }
    const life = await this.#plug("jumped");
    const { signer, daemon } = this.#box;
    await until("approval", async () => (await life.row())?.state === "waiting-for-approval");
    if (where === "before-sealing") {
      await signer.ceremony("lock");
      await this.#approveTwice(life);
      await until("unlock", async () => (await life.row())?.state === "waiting-for-unlock");
    }
    if (where === "before-export") {
      // The stick is pulled out.
      renameSync(daemon.stick, `${daemon.stick}.away`);
      await this.#approveTwice(life);
      await until("seal", async () => (await this.#state(life)) === "sealed");
      this.#jump();
      renameSync(`${daemon.stick}.away`, daemon.stick);
    } else this.#jump();
    life.ahead = this.#ahead;
    return life;
  }

  async #approveTwice({ folder }: Life): Promise<void> {
    for (const approvals of [[], [{ person: "op1" }]]) await this.#box.daemon.approve(folder, approvals);
  }

  /** Goes on with the wrong clock as far as the box lets people. CLOCK: a signer that is behind what it recorded says so and seals nothing. */
  async #wrong(life: Life): Promise<void> {
    const sealed = (await this.#state(life)) === "sealed";
    for (const end = Date.now() + whileWrong; Date.now() < end; await pause(80)) {
      const row = await life.look();
      if (row?.state === "released" || row?.state === "refused") break;
    }
    if (!this.#signer || !this.#back) return;
    const refused = await this.#refused();
    if (refused !== "CLOCK") this.#broken.push(["CLOCK", `a clock before the record is not refused, but ${refused}`]);
    const state = await this.#state(life);
    if (!sealed && state === "sealed") this.#broken.push(["CLOCK", "sealed while the clock was before the record"]);
    if (state === "authorized") await this.#tells(life, "CLOCK");
  }

  /** A day back: a quorum says that this is the time, and only then the clock is put right. Else it is put right, and where the record is ahead, a quorum says so. */
  async #right(life: Life): Promise<void> {
    if (this.#signer && this.#point.fault === "BACK-DAY") {
      await this.#setClock(this.#ahead);
      // What was approved by the clock that was a day ahead counts when that day is over, and people are told so.
      if (this.#point.where === "before-sealing") await this.#tells(life, "later than now");
      else await life.untilAnswered("daemon");
    }
    this.#set(0);
    life.ahead = 0;
    life.mayExpire = true;
    if (this.#signer && !this.#back) {
      await until("CLOCK", async () => (await this.#refused()) === "CLOCK");
      await this.#setClock(0);
    }
  }

  async #tells(life: Life, words: string): Promise<void> {
    await until(words, async () => (await life.look())?.waiting.includes(words) ?? false);
  }

  /** A quorum's order: the clock, so many seconds ahead, is right. */
  async #setClock(ahead: number): Promise<void> {
    const { signer } = this.#box;
    await this.#box.rest();
    const { clock } = (await signer.call("status")).result as { readonly clock: { readonly now: string } };
    const content = orderBytes({
      appliance: signer.policy.appliance,
      created: fromNow(ahead - 1),
      expires: fromNow(ahead + 600),
      kind: "set-clock",
      number: ++this.#orders,
      policyDigest: policyDigest(signer.policy),
      previous: null,
      what: { accuracySeconds: 2, boxTime: clock.now, reference: "radio clock", referenceTime: fromNow(ahead) },
    });
    await signer.ceremony("order", {}, await signedOrder(content, undefined, fromNow(ahead - 1)));
    const refused = await this.#refused();
    if (refused !== null) this.#broken.push(["CLOCK", `after a quorum set the clock it is refused: ${refused}`]);
  }

  get #ahead(): number {
    return this.#signer ? jumpSeconds[this.#point.fault] : 0;
  }

  #jump(): void {
    this.#set(jumpSeconds[this.#point.fault]);
  }

  #set(seconds: number): void {
    const { part } = this.#point;
    if (part !== "daemon") this.#clocks.signer.set(seconds);
    if (part !== "signer") this.#clocks.daemon.set(seconds);
  }

  async #plug(folder: string): Promise<Life> {
    const life = await this.#batches.plug(folder);
    if (folder === "jumped" && this.#point.where === "before-intake") life.ahead = this.#ahead;
    life.mayExpire = !this.#back;
    return life;
  }

  async #refused(): Promise<unknown> {
    const { clock } = (await this.#box.signer.call("status")).result as {
      readonly clock: { readonly refused: unknown };
    };
    return clock.refused;
  }

  async #state({ batch }: Life): Promise<unknown> {
    const { batchDigest } = batch;
    return (await this.#box.signer.call("batch", { batchDigest }).catch(() => undefined))?.result.state;
  }

  async #judged(lives: readonly Life[]): Promise<readonly Breach[]> {
    const broken = await this.#batches.judge(lives, (db) => (this.#signer ? this.#steps(db) : []));
    // A request says itself until when it may be sealed: by a clock that is a year ahead that is over, and the refusal is its end.
    const expired = lives.filter(({ end }) => end && "refused" in end && end.refused === "BATCH-EXPIRED");
    return broken.filter(([, how]) => !expired.some(({ batch }) => how === neverEnded(batch.batchDigest)));
  }

  /** CLOCK: a signer that ran while its clock jumped has journalled the step. */
  #steps(db: Database.Database): readonly Breach[] {
    const rows = db.prepare<[], string>("SELECT record FROM journal WHERE kind = 'clock-step'").pluck().all();
    const seconds = rows.map((row) => (JSON.parse(row) as { readonly seconds: number }).seconds);
    const wanted = jumpSeconds[this.#point.fault];
    if (seconds.some((one) => Math.abs(one - wanted) <= 2)) return [];
    return [["CLOCK", `the step of ${wanted} s is not journalled: ${seconds.join(", ")}`]];
  }
}

function neverEnded(batchDigest: string): string {
  return `${batchDigest.slice(0, 8)} was accepted and never ended`;
}
