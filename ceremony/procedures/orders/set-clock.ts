/** Setting the clock: a witness vouches for a reference, officers sign what it showed; in both directions. */

import { integer, object, text, utcOf } from "../../../manifests/encoding/shape.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { peopleStep, utcTime, utcTyped, witnessOf } from "../genesis/begin.ts";
import { policyInForce } from "../policies-at-hand.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, type RunningBox, runningBox, runningMembers } from "./running-box.ts";

const readValue = object({
  ...runningMembers,
  /** what shows the time, and how far it may be wrong by itself, in seconds */
  reference: object({ errorSeconds: integer(0, 3600), source: text(100) }),
});

type Reference = { readonly errorSeconds: number; readonly source: string };

/** The order must reach the box while what the witness read is fresh. */
const freshSeconds = 3600;

/** Refuses CEREMONY-FILE, CONFIG. */
export function setClock(file: CeremonyFile): Procedure {
  const { reference, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: "set-clock",
    purpose: "To set the box's clock against a witnessed reference, forwards or backwards.",
    steps: [
      beforeStep(running),
      peopleStep(["before"]),
      referenceStep(running, reference),
      orderStep(running, {
        kind: "set-clock",
        title: "Order the box to take its clock as set",
        script: [
          "The box takes its clock as right to so many seconds: those of the reference, and the difference that was seen.",
        ],
        wayBack: "Read the reference again where too long a time passed; without a quorum the clock stays as it is.",
        needs: ["before", "people", "reference"],
        what: (stage) => {
          const { accuracy = "0", "box time": boxTime = "", "reference time": time = "" } = stage.facts("reference");
          return { accuracySeconds: Number(accuracy), boxTime, reference: reference.source, referenceTime: time };
        },
        times: (stage) => {
          const { "reference time": created = "" } = stage.facts("reference");
          return { created, expires: utcOf(Date.parse(created) + freshSeconds * 1000) };
        },
      }),
      statementStep(running),
    ],
  });
}

function referenceStep(running: RunningBox, { errorSeconds, source }: Reference): Step {
  return {
    id: "reference",
    title: "Hold the box's clock against the reference",
    acts: "a witness",
    checks: "the administrator",
    minutes: 3,
    script: [
      "Before this step the administrator sets the system's clock, outside of this program.",
      `The witness reads the time from the reference (${source}) and types it in UTC, pressing Enter at that second.`,
    ],
    wayBack: "Set the system's clock anew, and try again.",
    needs: ["before"],
    perform: async (stage) => {
      const witness = witnessOf(stage);
      const typed = await stage.scene.type(witness, `The time of ${source}, UTC: `, utcTime);
      const boxTime = stage.now();
      const referenceTime = utcTyped(typed);
      const difference = Math.round((Date.parse(boxTime) - Date.parse(referenceTime)) / 1000);
      const accuracy = errorSeconds + Math.abs(difference);
      const { maximumErrorSeconds } = (await policyInForce(running.box)).policy.clock;
      if (!(accuracy <= maximumErrorSeconds)) {
        throw new Refusal("CEREMONY-STEP", "the clock stands too far from the reference", {
          expected: `at most ${maximumErrorSeconds} seconds, the reference's own error included`,
          got: `${accuracy} seconds`,
        });
      }
      const leader = leaderOf(stage.file, stage.present());
      await stage.scene.confirm(leader, `The clock is ${difference} s from the reference. Is that agreed?`);
      return {
        people: [witness, leader],
        facts: {
          accuracy: `${accuracy}`,
          "box time": boxTime,
          "difference in seconds": `${difference}`,
          reference: source,
          "reference time": referenceTime,
        },
      };
    },
  };
}
