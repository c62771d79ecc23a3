/** Close: the box states the head of its record, locks, and opens by nothing but an opening that presents this. */

import { list, object, text } from "../../../manifests/encoding/shape.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import type { Procedure } from "../../engine/procedure.ts";
import { peopleStep } from "../genesis/begin.ts";
import { bagsFound, bagsStep } from "./bags.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, runningBox, runningMembers } from "./running-box.ts";

const readValue = object({
  ...runningMembers,
  /** what goes into bags or is sealed */
  bags: list(text(100), 0, 64),
});

/** Refuses CEREMONY-FILE, CONFIG. */
export function close(file: CeremonyFile): Procedure {
  const { bags, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: "close",
    purpose: "To close the box: its record's head is stated and signed, and what lies in the vault is bagged.",
    steps: [
      beforeStep(running, { unlocked: true }),
      peopleStep(["before"]),
      bagsStep(bags, async () => undefined, [
        "Each thing is put into its bag, or sealed; the witness reads the number and types it.",
      ]),
      orderStep(running, {
        kind: "close",
        title: "Order the box to close",
        script: [
          "No batch is under way. The box states its counter and head with the bags' numbers, and locks itself.",
        ],
        wayBack: "Wait until the batch under way is sealed, and try again; without a quorum the box stays open.",
        needs: ["before", "people", "bags"],
        what: (stage) => ({ bags: bagsFound(stage, bags).map((bag) => ({ ...bag })) }),
      }),
      statementStep(running),
    ],
  });
}
