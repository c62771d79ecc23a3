import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import type { BatchRow } from "../../../appliance/client/batch-row.ts";
import { type GuestBox, manyDocuments, type StickBatch } from "../guest-box.ts";
import { overlay, overlayAgain, type VirtualBox } from "../machine.ts";
import type { Scenario } from "../scenario.ts";

/** How far the batch is led before the power goes. What is done in each is acknowledged, unless it is still under way. */
const moments: Readonly<Record<string, (guest: GuestBox, box: VirtualBox, batch: StickBatch) => Promise<void>>> = {
  "while its batch is copied": async (guest, box, { name }) => {
    await guest.untilState(box, name, "copying", "waiting-for-approval");
  },
  "after one approval": async (guest, box, { name, slip }) => {
    await guest.untilState(box, name, "waiting-for-approval");
    await guest.approveAs(box, guest.operators[0], slip);
  },
  "while it is sealed": async (guest, box, batch) => {
    await guest.approveWaiting(box, batch);
  },
  "while the answer is written": async (guest, box, batch) => {
    await guest.approveWaiting(box, batch);
    await box.shell("until grep -q ' /run/coldseal/media/out vfat rw' /proc/mounts; do sleep 0.05; done");
  },
  "when it is released": async (guest, box, batch) => {
    await guest.approveWaiting(box, batch);
    await guest.untilState(box, batch.name, "released");
  },
};

export const powerCut: Scenario = {
  name: "power-cut",
  holds:
    "the power goes while a batch is copied, approved, sealed, written, released: what was acknowledged is there, and it is sealed once",
  async run(stage) {
    const { guest } = stage;
    for (const [moment, lead] of Object.entries(moments)) {
      const work = stage.folder();
      const batch = await guest.stickWith(work, "cut", manyDocuments(20));
      const file = join(work, "overlay");
      const first = await stage.goOnWith(overlay(file, guest.disk));
      await first.plug("S1", batch.image);
      await lead(guest, first, batch);
      const before = (await guest.listing(first)).batches.find(({ folder }) => folder === batch.name);
      await first.cut();
      const released = before?.state === "released";
      if (released) await guest.holdAnswer(batch);
      const second = await stage.bootAgain(overlayAgain(file));
      if (!released) await second.plug("S1", batch.image);
      const after = await guest.untilState(
        second,
        batch.name,
        "waiting-for-approval",
        "sealing",
        "exporting",
        "released",
      );
      holdTold(before, after);
      for (const one of guest.operators) {
        if (after.state !== "waiting-for-approval") break;
        if (!after.approvals.some(({ person }) => person === one.person))
          await guest.approveAs(second, one, batch.slip);
      }
      const end = await guest.untilState(second, batch.name, "released");
      holdTold(before, end);
      if (!released) await second.pull("S1");
      await guest.holdAnswer(batch);
      const journal = await guest.ceremony(second, guest.operators[0], ["verify-journal"]);
      equal(journal.status, 0, `${moment}: ${journal.transcript}`);
      await second.cut();
    }
    return Object.keys(moments).length;
  },
};

/** What people were shown before the power went is so after it: approvals (which stand in the signer's record alone, once it has them), the number, the end. */
export function holdTold(before: BatchRow | undefined, after: BatchRow): void {
  if (!before) return;
  const people = ({ approvals }: BatchRow) => approvals.map(({ person }) => person);
  const lost = people(before).filter((one) => !people(after).includes(one));
  if (after.state === "waiting-for-approval") deepEqual(lost, [], "approvals are lost");
  if (before.number !== null) equal(after.number, before.number);
  if (before.state === "released") equal(after.state, "released");
}
