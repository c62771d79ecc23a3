/** A daemon that is driven through a batch's life by people, from the stick and back to it, whatever dies or fails on the way. The signer lives on. */

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isTemporary } from "../../host/durable.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { DaemonBox } from "../appliance/daemon/daemon-box.ts";
import { rightPin } from "../appliance/signer/fake-hsm.ts";
import { type MadeBatch, operators, policyDigest, root } from "../appliance/signer/people.ts";
import { filesOf } from "../appliance/signer/test-box.ts";
import type { Breach } from "./breach.ts";
import { type BoxAtRest, breaches } from "./check-box.ts";
import { difference, type Expected, filesBelow } from "./check-media.ts";
import { Effects, type Plan } from "./effects.ts";
import { watchFolder } from "./file-effects.ts";
import { Told } from "./told.ts";

export type DaemonEnd = "released" | "rejected" | "refused";

/** So many boxes live at the same time: each waits more than it works. */
export const lifesTogether = 6;

const folder = "contracts";
const endless = 90_000;

export class DaemonJourney {
  readonly box: DaemonBox;
  readonly effects = new Effects();
  readonly told = new Told();
  readonly approved = new Set<string>();
  readonly faults: string[] = [];
  readonly #end: DaemonEnd;
  #batch: MadeBatch | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(box: DaemonBox, end: DaemonEnd) {
    this.box = box;
    this.#end = end;
    watchFolder(box.settings.spool, this.effects);
    watchFolder(box.settings.media.out, this.effects);
  }

  static async make(end: DaemonEnd): Promise<DaemonJourney> {
    const box = await DaemonBox.make({ settings: { scanSeconds: 0.02 } });
    await box.signer.unlock();
    return new DaemonJourney(box, end);
  }

  async run(plan?: Plan): Promise<void> {
    const onHit = () => {
      this.#stopping = this.box.stopDaemon();
    };
    this.effects.arm(plan && { ...plan, onHit });
    // A listed document that is not there is refused after the box's patience.
    const count = this.#end === "refused" ? 1 : 2;
    this.#batch = await this.box.bring(folder, {
      count,
      ...(this.#end === "refused" ? { head: { mode: "offline" } } : {}),
    });
    const limit = Date.now() + endless;
    for (let quiet = 0; quiet < 3; ) {
      if (Date.now() > limit)
        throw new Error(
          `no end: ${JSON.stringify(await this.box.client.list(true).catch(String))} ${this.box.logged.slice(-8).join("")}`,
        );
      if (this.effects.dead) await this.#restart();
      quiet = (await this.#proceed().catch(() => false)) ? quiet + 1 : 0;
      await new Promise((done) => setTimeout(done, quiet > 0 ? 40 : 25));
    }
    this.effects.revive();
    await this.#stopping;
    await this.box.stopDaemon();
    // Temporary names may stay until the next start.
    const { spool } = this.box.settings;
    if (![spool, join(spool, "batches")].some((path) => readdirSync(path).some(isTemporary))) return;
    await this.box.startDaemon();
    await this.box.stopDaemon();
  }

  check(): Promise<readonly Breach[]> {
    return breaches(this.atRest());
  }

  /** The box as the checker sees it; the daemon has ended. */
  atRest(): BoxAtRest {
    const { signer, settings } = this.box;
    const { db } = signer.box;
    const number = db.prepare<[], number>("SELECT max(number) FROM manifests").pluck().get() ?? undefined;
    const answers = { released: { number: number ?? 0 }, rejected: "rejection", refused: "refusal" } as const;
    const expected: Expected = new Map([[folder, answers[this.#end]]]);
    const receipt = (of: number) => filesOf(signer, of);
    const trust = { roots: [root.certificate], genesis: policyDigest(signer.policy) };
    return {
      db,
      token: { head: signer.hsm.heads.at(-1), genesis: signer.hsm.genesis?.content, sealed: signer.hsm.sealed },
      trust,
      quorum: 2,
      approved: this.approved,
      told: this.told,
      receipt,
      ended: true,
      // What stands on the stick is compared with the receipt and verified.
      receipts: false,
      spool: { path: settings.spool, waiting: [] },
      sticks: new Map([[settings.media.out, expected]]),
      secrets: { values: [utf8(rightPin)], folders: [this.box.folder] },
    };
  }

  /** What is broken where the answer is exported to another stick: the same export is the same bytes. */
  async checkAnotherStick(): Promise<readonly Breach[]> {
    const other = join(this.box.folder, "other-stick");
    mkdirSync(other);
    await this.box.startDaemon();
    await this.box.client.export(folder, other);
    await this.box.stopDaemon();
    const at = (stick: string) => filesBelow(join(stick, "coldseal/outbox", folder));
    const path = difference(at(other), at(this.box.settings.media.out));
    // The refusal beside a decision is composed anew for each stick.
    return path === undefined || path.startsWith("refusal.")
      ? []
      : [["CHECKED-OUT", `${path} is another on another stick`]];
  }

  async #restart(): Promise<void> {
    await this.#stopping;
    this.#stopping = undefined;
    this.effects.revive();
    await this.box.startDaemon();
  }

  /** What people do next; whether there is nothing more to do. */
  async #proceed(): Promise<boolean> {
    const { box } = this;
    const { op1, op2, op3 } = operators;
    const digest = this.#batch?.batchDigest ?? "";
    const told = this.told.of(digest);
    const rows = await box.client.list(true);
    const row =
      rows.find((one) => one.folder === folder && one.state !== "released") ??
      rows.find((one) => one.folder === folder);
    if (!row) return false;
    if (row.state === "waiting-for-approval") {
      told.accepted = true;
      const missing = [...told.approvals].filter((person) => !row.approvals.some((one) => one.person === person));
      if (missing.length > 0 && row.approvals.length > 0) throw new Error(`an approval was lost: ${missing}`);
      if (this.#end === "rejected") {
        await box.dissent("reject", folder, op3);
        told.ending = "rejected";
        return false;
      }
      this.approved.add(digest);
      const [next, name] = row.approvals.some((one) => one.person === "op1")
        ? ([op2, "op2"] as const)
        : ([op1, "op1"] as const);
      await box.approve(folder, next);
      told.approvals.add(name);
    }
    if (row.state === "released") told.released = true;
    return row.state === this.#end;
  }

  async remove(): Promise<void> {
    this.effects.revive();
    await this.box.remove();
  }
}
