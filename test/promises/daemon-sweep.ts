/** A real daemon and real confined intakes that die at chosen system calls in a batch's life; the signer lives on, and so does the box through all points. */

import { join } from "node:path";
import { policyDigest, root } from "../appliance/signer/people.ts";
import { RealSigner } from "../appliance/signer/real-signer.ts";
import type { Breach } from "./breach.ts";
import { checkSpool, checkStick } from "./check-media.ts";
import { DeathPlan, type Point } from "./dying-process.ts";
import { pause, RealDaemon } from "./real-daemon.ts";

export type Part = "daemon" | "intake";

const patience = 40_000;

export class DaemonSweep {
  readonly signer: RealSigner;
  readonly #daemon: RealDaemon;
  readonly #part: Part;
  readonly #plan: DeathPlan;
  readonly #numbers = new Map<string, { readonly number: number }>();
  #batches = 0;

  private constructor(signer: RealSigner, daemon: RealDaemon, part: Part, plan: DeathPlan) {
    this.signer = signer;
    this.#daemon = daemon;
    this.#part = part;
    this.#plan = plan;
  }

  /** The box of one part that is to die, started and unlocked. */
  static async make(part: Part): Promise<DaemonSweep> {
    const signer = await RealSigner.make();
    const plan = new DeathPlan(join(signer.folder, "plan"));
    const daemon = await RealDaemon.make(signer, part === "intake" ? plan.under : []);
    const made = new DaemonSweep(signer, daemon, part, plan);
    await signer.start();
    await signer.unlock();
    await made.#start();
    return made;
  }

  async measure(call: string): Promise<{ readonly start: number; readonly all: number }> {
    await this.#arm({ call, when: 0 });
    const start = this.#part === "daemon" ? this.#plan.calls : 0;
    const folder = await this.#bring();
    await this.#life(folder);
    this.#takeAway(folder);
    return { start, all: this.#plan.calls };
  }

  async die(point: Point): Promise<{ readonly died: boolean; readonly broken: readonly Breach[] }> {
    const folder = await this.#bring();
    await this.#arm(point);
    await this.#life(folder);
    const broken = await this.check();
    const { died } = this.#plan;
    this.#takeAway(folder);
    return { died, broken };
  }

  #takeAway(folder: string): void {
    this.#daemon.takeAway(folder);
    this.#numbers.delete(folder);
  }

  async check(): Promise<readonly Breach[]> {
    const { roots, genesis } = { roots: [root.certificate], genesis: policyDigest(this.signer.policy) };
    const receipt = (number: number) => this.signer.files("receipt", { number });
    const { result } = await this.signer.ceremony("verify-journal");
    const count = this.#batches;
    return [
      ...(await checkStick(this.#daemon.stick, this.#numbers, receipt, { roots, genesis })),
      ...checkSpool(this.#daemon.spool, []),
      ...(result.manifests === count
        ? []
        : [["SEAL-ONCE", `${result.manifests} manifests for ${count} batches`] as const]),
    ];
  }

  async remove(): Promise<void> {
    await this.#daemon.remove();
    await this.signer.remove();
  }

  /** What is to die dies at the point: the daemon is started anew, intakes are with each connection. */
  async #arm(point: Point): Promise<void> {
    await this.#daemon.end();
    // The first intake that a daemon asks for looks at the stick; the next one takes the batch.
    this.#plan.set(point, this.#part === "intake" ? 1 : 0);
    await this.#start();
  }

  #start(): Promise<void> {
    return this.#daemon.start(this.#part === "daemon" ? this.#plan.under : []);
  }

  async #bring(): Promise<string> {
    const folder = `sweep-${++this.#batches}`;
    await this.#daemon.bring(folder);
    return folder;
  }

  /** Until it is released: approvals are given, and what died is started again. */
  async #life(folder: string): Promise<void> {
    const daemon = this.#daemon;
    for (const end = Date.now() + patience; ; await pause(40)) {
      if (Date.now() > end)
        throw new Error(
          `${folder} was never released: ${JSON.stringify(await daemon.client.list(true).catch(String))} ${daemon.said.slice(-2000)}`,
        );
      if (!daemon.alive) await this.#start();
      const rows = await daemon.client.list(true).catch(() => []);
      const row = rows.find((one) => one.folder === folder);
      if (row?.state === "released" && row.number !== null && daemon.empty) {
        this.#numbers.set(folder, { number: row.number });
        // Killed in what follows a release, it must still tidy up.
        await pause(100);
        if (daemon.alive) return;
      }
      if (row?.state === "waiting-for-approval") await daemon.approve(folder, row.approvals).catch(() => undefined);
    }
  }
}
