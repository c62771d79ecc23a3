/** A box of real processes over disks that the test owns: brings a batch to a step, takes the power away or fills a disk there, and goes on. Runs in a mount namespace of its own. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Breach } from "../../promises/breach.ts";
import { Batches } from "../batches.ts";
import { FaultBox } from "../fault-box.ts";
import type { Life } from "../life.ts";
import { until } from "../waiting.ts";
import { LyingDisk } from "./disk.ts";

/** Before the batch is plugged; when it was accepted; when one of two has approved; when it is approved and the box locked; sealed, with a stick that cannot be written; released. */
export const steps = ["plugged", "accepted", "approved-once", "approved", "sealed", "released"] as const;
export type Step = (typeof steps)[number];

export class DiskLife {
  readonly box: FaultBox;
  readonly disk: LyingDisk;
  readonly #batches: Batches;

  private constructor(box: FaultBox, disk: LyingDisk) {
    this.box = box;
    this.disk = disk;
    this.#batches = new Batches(box);
  }

  static async make(): Promise<DiskLife> {
    let disk: LyingDisk | undefined;
    const box = await FaultBox.make({
      under: (folder) => {
        disk = new LyingDisk(join(folder, "lies"));
        return { signer: disk.under, daemon: disk.under };
      },
    });
    return new DiskLife(box, disk as LyingDisk);
  }

  /** Every process of the box ends at once. */
  async stop(): Promise<void> {
    await Promise.all([this.box.end("signer"), this.box.end("daemon")]);
    await this.box.end("scan");
  }

  /** Plugs a batch and brings it so far. */
  async until(step: Step): Promise<Life> {
    const { signer, daemon } = this.box;
    const folder = `disk-${this.#batches.count + 1}`;
    const life = await this.#batches.plug(folder);
    const { batchDigest } = life.batch;
    if (step === "plugged") return life;
    if (step === "released") {
      await life.untilAnswered("daemon");
      return life;
    }
    await until("the batch's acceptance", async () => (await life.row())?.state === "waiting-for-approval");
    if (step === "approved-once") await life.untilApprovedOnce();
    if (step === "approved") await signer.ceremony("lock");
    if (step === "sealed") this.#unwritable();
    if (step === "approved" || step === "sealed") {
      await life.untilApprovedOnce();
      await daemon.approve(folder, [{ person: "op1" }]);
      const wanted = step === "sealed" ? "sealed" : "authorized";
      const state = async () => (await signer.call("batch", { batchDigest })).result.state;
      await until(wanted, async () => (await state()) === wanted);
    }
    return life;
  }

  /** The stick can be written again. */
  writable(): void {
    rmSync(this.#outbox);
    renameSync(`${this.#outbox}.away`, this.#outbox);
  }

  /** Something else stands where answers go. */
  #unwritable(): void {
    mkdirSync(this.#outbox, { recursive: true });
    renameSync(this.#outbox, `${this.#outbox}.away`);
    writeFileSync(this.#outbox, "");
  }

  /** Goes on until the batch has its answer, and asks for every promise. */
  async end(life: Life): Promise<readonly Breach[]> {
    await life.untilAnswered("daemon");
    if (life.broken.length > 0) return life.broken;
    const broken = await this.#batches.judge([life]);
    this.box.daemon.takeAway(life.folder);
    return broken;
  }

  get #outbox(): string {
    return join(this.box.daemon.stick, "coldseal/outbox");
  }
}
