/** Resuming: a quorum ends what one officer began. */

import { object, text } from "../../../manifests/encoding/shape.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import type { Procedure } from "../../engine/procedure.ts";
import { peopleStep } from "../genesis/begin.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, runningBox, runningMembers } from "./running-box.ts";

const readValue = object({ ...runningMembers, reason: text(500) });

/** Refuses CEREMONY-FILE, CONFIG. */
export function resume(file: CeremonyFile): Procedure {
  const { reason, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: "resume",
    purpose: "To let a box seal again that an officer suspended.",
    steps: [
      beforeStep(running),
      peopleStep(["before"]),
      orderStep(running, {
        kind: "resume",
        title: "Order the box to seal again",
        script: ["Everybody has heard why the box was suspended, and what was found since."],
        wayBack: "Try again, or strike out the person whose token fails; without a quorum the box stays suspended.",
        needs: ["before", "people"],
        what: () => ({ reason }),
      }),
      statementStep(running),
    ],
  });
}
