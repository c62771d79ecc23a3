import { equal } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { manyDocuments } from "../guest-box.ts";
import type { Scenario } from "../scenario.ts";

/** A stick that gives and takes so little at a time that a hand is faster. */
const slow = { bytesPerSecond: 150_000 };
/** As QEMU has it. */
const slowToWrite = { "bps-total": 0, "bps-write": 20_000 };

export const pulledWhileWritten: Scenario = {
  name: "pulled-while-written",
  holds:
    "a stick pulled out while the answer is written: nothing is released; plugged in again it gets the whole answer",
  quick: true,
  async run(stage) {
    const { guest, work } = stage;
    const batch = await guest.stickWith(work, "torn", manyDocuments(40));
    const box = await stage.goOn();
    await box.plug("S1", batch.image);
    await guest.untilState(box, batch.name, "waiting-for-approval");
    await box.pull("S1");
    // Back, and slow: it is written to as soon as the batch is sealed.
    await box.plug("S2", batch.image, slow);
    const pulled = async () => {
      await box.shell("until grep -q ' /run/coldseal/media/out vfat rw' /proc/mounts; do sleep 0.05; done; sleep 0.5");
      await box.pull("S2");
    };
    await Promise.all([guest.approve(box, batch.slip), pulled()]);
    const row = await guest.untilState(box, batch.name, "exporting", "released");
    equal(row.state, "exporting");
    await guest.until(box, "told that the stick is gone", ({ batches }) =>
      batches.find(({ folder, waiting }) => folder === batch.name && /STICK-GONE/.test(waiting ?? "")),
    );
    // Pulled out as soon as it is released: it must have been on the stick by then, however slowly that takes what is written.
    await box.plug("S3", batch.image, slow);
    await box.control("qom-set", { path: "/objects/slow-S3", property: "limits", value: slowToWrite });
    await guest.untilState(box, batch.name, "released");
    await box.pull("S3");
    await guest.holdAnswer(batch);
    return undefined;
  },
};

export const pulledWhileRead: Scenario = {
  name: "pulled-while-read",
  holds:
    "a stick pulled out while its batch is copied: nothing is taken in part; plugged in again the batch is taken and sealed",
  async run(stage) {
    const { guest, work } = stage;
    const batch = await guest.stickWith(work, "large", { "large.bin": randomBytes(3 << 20), "small.txt": "small" });
    const box = await stage.goOn();
    await box.plug("S1", batch.image, slow);
    // In the middle of a document, and not while its intake only starts.
    await guest.until(box, "copied in part", ({ batches }) => {
      const { bytes = 0, ofBytes = 0 } = batches.find(({ folder }) => folder === batch.name)?.progress ?? {};
      return bytes > 0 && bytes < ofBytes ? true : undefined;
    });
    await box.pull("S1");
    const under = ["copying", "waiting-for-documents"];
    const end = await guest.until(box, "the torn copy at its end", ({ batches }) => {
      const { state = "gone" } = batches.find(({ folder }) => folder === batch.name) ?? {};
      return under.includes(state) ? undefined : state;
    });
    equal(end, "gone", "what was copied in part");
    await box.plug("S2", batch.image);
    await guest.approveWaiting(box, batch);
    await guest.untilState(box, batch.name, "released");
    await box.pull("S2");
    await guest.holdAnswer(batch);
    return undefined;
  },
};
