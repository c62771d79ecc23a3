/** Update: a quorum approves the digest of the software that is to run next. The package itself is put in place by the box's administrator. */

import { hexText, object, text } from "../../../manifests/encoding/shape.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, runningBox, runningMembers } from "./running-box.ts";

const readValue = object({
  ...runningMembers,
  /** SHA-256 as `ceremony status` of the new software and every manifest say it, and its version */
  software: object({ digest: hexText(), version: text(64) }),
});

/** Refuses CEREMONY-FILE, CONFIG. */
export function update(file: CeremonyFile): Procedure {
  const { software, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: "update",
    purpose: "To approve the software that the box is to run next.",
    steps: [
      beforeStep(running),
      peopleStep(["before"]),
      compareStep(software),
      orderStep(running, {
        kind: "approve-software",
        title: "Approve the software",
        script: [
          `Version ${software.version}. The box seals with this software once it runs; with any other it seals nothing.`,
        ],
        wayBack: "Try again; without a quorum the box goes on with the software that it has.",
        needs: ["before", "people", "compare"],
        what: () => ({ digest: software.digest, software: software.version }),
      }),
      statementStep(running),
    ],
  });
}

function compareStep(software: { readonly digest: string; readonly version: string }): Step {
  return {
    id: "compare",
    title: "Compare the digest of the software with the paper of those who built it",
    acts: "a witness",
    checks: "the administrator",
    minutes: 5,
    script: ["The digest came on paper, by another way than the package; a witness types two groups of it from there."],
    wayBack: "If they differ: abandon, and ask for the package and its paper again.",
    needs: ["before"],
    perform: async (stage) => {
      const witness = witnessOf(stage);
      const label = `software ${software.version}`;
      await stage.scene.compare(witness, label, software.digest);
      return {
        people: [witness, leaderOf(stage.file, stage.present())],
        facts: { digest: software.digest, version: software.version },
        shown: [{ label, digest: software.digest, confirmedBy: [witness] }],
      };
    },
  };
}
