/** One batch, from when it is plugged to its answer: what people and units do is done, whatever dies, refuses or hangs on the way. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { isTemporary } from "../../host/durable.ts";
import type { MadeBatch } from "../appliance/signer/people.ts";
import type { Breach } from "../promises/breach.ts";
import { pause } from "../promises/real-daemon.ts";
import type { ToldOfBatch } from "../promises/told.ts";
import type { FaultBox } from "./fault-box.ts";
import type { Part } from "./point.ts";
import { tokenPutBack } from "./token/token-file.ts";
import { within } from "./waiting.ts";

/** Milliseconds between two looks of people, and until they ask why nothing goes on. */
const look = 80;
const slow = 1_500;
/** Milliseconds without any change after which people end the part that met the fault, and until the batch must have ended all the same. */
const stuck = 25_000;
/** Of a process or token that never answers again this must be said by then: both get 20 s. */
const silent = 45_000;
const endless = 180_000;
/** A daemon that was started looks at the stick once more. */
const anotherLook = 1_300;

export class Life {
  readonly folder: string;
  readonly batch: MadeBatch;
  readonly #box: FaultBox;
  readonly #told: ToldOfBatch;
  #stuck = stuck;
  /** seconds that the clock of the box, at which people sign, is ahead */
  ahead = 0;
  /** approvals may have expired: they are given again */
  mayExpire = false;
  readonly broken: Breach[] = [];
  /** what units started again, and what people exported again or put back */
  readonly restarted: string[] = [];
  /** people had to end the part */
  byHand = false;
  /** it had told them to */
  told = false;
  end: { readonly number: number } | { readonly refused: string } | undefined;

  constructor(box: FaultBox, folder: string, batch: MadeBatch, told: ToldOfBatch) {
    this.#box = box;
    this.folder = folder;
    this.batch = batch;
    this.#told = told;
  }

  /** Until one of two people has approved, as long as nothing fails. */
  async untilApprovedOnce(): Promise<void> {
    for (const end = Date.now() + endless; Date.now() < end; await pause(20)) {
      const row = await this.row();
      if (row?.state !== "waiting-for-approval") continue;
      if (row.approvals.length > 0) return;
      await this.#approve(row);
    }
    throw new Error(`${this.folder} was never approved, before any fault`);
  }

  /** Until it was answered and the box rests; `part` is what people end when nothing goes on. */
  async untilAnswered(part: Part): Promise<void> {
    const begun = Date.now();
    let rested = 0;
    let [moved, was] = [begun, ""];
    while (this.broken.length === 0) {
      const now = Date.now();
      if (now - begun > endless) {
        this.broken.push(["NOTHING-LOST", `${this.folder} was never answered: ${await this.#where()}`]);
        return;
      }
      const told = !this.byHand && part === "signer" && now - moved > slow && (await this.#says());
      if (!this.byHand && (told || now - moved > this.#stuck)) {
        this.byHand = true;
        this.told = told;
        await this.#box.end(part);
      }
      const before = this.restarted.length;
      const row = await this.look();
      const is = `${row?.state} ${row?.approvals.length} ${this.restarted.length}`;
      if (is !== was) [moved, was] = [Date.now(), is];
      const ended = row && this.#ended(row) && this.#spoolRests;
      if (!ended || this.restarted.length > before) rested = 0;
      else if (rested === 0) rested = now;
      const needed = this.restarted.includes("daemon") || this.byHand ? anotherLook : 60;
      if (rested !== 0 && now - rested >= needed) return;
      await pause(look);
    }
  }

  /** People wait until they are told that the process does not answer. */
  mayHang(): void {
    this.#stuck = silent;
  }

  /** The box tells people to end the signer: it stopped itself, or it does not answer. */
  async #says(): Promise<boolean> {
    const row = await this.row();
    return row?.waiting.includes("does not answer") || (await this.#box.stopped());
  }

  /** What units start and what the box tells people to do, once; gives the batch's row, as it was before that. */
  async look(): Promise<BatchRow | undefined> {
    this.restarted.push(...(await this.#box.keep()));
    const row = await this.row();
    if (row?.state === "waiting-for-approval") await this.#approve(row).catch(() => undefined);
    if (row?.state === "waiting-for-unlock") await this.#unlock(row);
    if (row?.waiting.includes("ceremony export ")) await this.#export();
    return row;
  }

  /** Only when the box tells people that the token is not there do they look at its file. */
  async #unlock({ waiting }: BatchRow): Promise<void> {
    if (waiting.includes("token is not there") && (await this.#box.putTokenBack())) this.restarted.push(tokenPutBack);
    else await this.#box.unlock();
  }

  #ended(row: BatchRow): boolean {
    if (row.state === "released" && row.number !== null) {
      this.end = { number: row.number };
      this.#told.result = { number: row.number, outcome: "sealed" };
      this.#told.released = true;
      return true;
    }
    if (row.state === "refused") this.end = { refused: row.refusal?.code ?? "" };
    return row.state === "refused";
  }

  async #approve(row: BatchRow): Promise<void> {
    this.#told.accepted = true;
    const lost = [...this.#told.approvals].filter((person) => !row.approvals.some((one) => one.person === person));
    if (lost.length > 0 && this.mayExpire) this.#told.approvals.clear();
    else if (lost.length > 0) this.broken.push(["NOTHING-LOST", `an approval was lost: ${lost}`]);
    this.#told.approvals.add(await within(5_000, this.#box.daemon.approve(this.folder, row.approvals, this.ahead)));
  }

  async #export(): Promise<void> {
    this.restarted.push("export");
    await within(20_000, this.#box.daemon.client.export(this.folder, this.#box.daemon.stick)).catch(() => pause(500));
  }

  async row(): Promise<BatchRow | undefined> {
    const rows = await within(5_000, this.#box.daemon.client.list(true)).catch(() => []);
    return rows.findLast((one) => one.folder === this.folder);
  }

  get #spoolRests(): boolean {
    const { spool } = this.#box.daemon;
    // What a failed removal left under a temporary name may stay until the next start.
    return ["batches", "incoming"].every((name) => readdirSync(join(spool, name)).every(isTemporary));
  }

  async #where(): Promise<string> {
    const { daemon, signer } = this.#box;
    const row = await this.row().catch(String);
    return `${JSON.stringify(row)} ${daemon.said.slice(-1500)} ${signer.said.slice(-1500)}`;
  }
}
