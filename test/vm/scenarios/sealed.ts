import { deepEqual, match } from "node:assert/strict";
import type { Scenario } from "../scenario.ts";

export const sealed: Scenario = {
  name: "sealed",
  holds:
    "a stick is plugged in, its batch approved and sealed; pulled when the box says so, its answer holds elsewhere",
  quick: true,
  async run(stage) {
    const { guest, work } = stage;
    const batch = await guest.stickWith(work, "contracts", { "a.txt": "one", "Verträge № 2.txt": "two" });
    const box = await stage.goOn();
    await box.plug("S1", batch.image);
    await guest.approveWaiting(box, batch);
    await guest.untilState(box, batch.name, "released");
    await guest.until(box, "the stick may be pulled out", ({ sticks }) =>
      sticks.find((line) => /you may remove the stick now/.test(line)),
    );
    const { stdout } = await guest.ceremony(box, guest.operators[0], ["list", "--all"]);
    match(stdout, /you may remove the stick now/);
    await box.pull("S1");
    await guest.holdAnswer(batch);
    const journal = await guest.ceremony(box, guest.operators[0], ["verify-journal"]);
    deepEqual(journal.status, 0, journal.transcript);
    return undefined;
  },
};
