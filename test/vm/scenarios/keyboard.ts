import { match } from "node:assert/strict";
import type { Scenario } from "../scenario.ts";

export const keyboard: Scenario = {
  name: "keyboard",
  holds:
    "a keyboard in the place of a stick is an alarm, on the screen and in the journal, until it is gone; a stick beside it is taken",
  quick: true,
  async run(stage) {
    const { guest, work } = stage;
    const batch = await guest.stickWith(work, "beside", { "a.txt": "one" });
    const box = await stage.goOn();
    await box.plugOther("K1", "usb-kbd");
    await box.plug("S1", batch.image);
    await guest.until(box, "an alarm", ({ sticks }) => sticks.find((line) => line.startsWith("ALARM")));
    await guest.untilState(box, batch.name, "waiting-for-approval");
    const { stdout } = await guest.ceremony(box, guest.operators[0], ["--json", "journal"]);
    match(stdout, /usb-alarm/);
    await box.pull("K1");
    await guest.until(box, "the alarm over", ({ sticks }) =>
      sticks.some((line) => line.startsWith("ALARM")) ? undefined : true,
    );
    return undefined;
  },
};
