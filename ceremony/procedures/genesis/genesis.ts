/** Genesis: from an empty token to a box that knows its people. Nothing else ever makes these things. */

import { existsSync } from "node:fs";
import type { CeremonyFile } from "../../engine/ceremony-file.ts";
import type { Procedure } from "../../engine/procedure.ts";
import { recordName } from "../../engine/records-folder.ts";
import { leaveCopy } from "../box-copy.ts";
import { withBoxToken } from "../box-token.ts";
import { boxLayout } from "../layout.ts";
import { clockStep, peopleStep } from "./begin.ts";
import { genesisParameters } from "./parameters.ts";
import { checkCopyPlace, checkPlace, takePlace } from "./place.ts";
import { checkPolicyPart, policyStep } from "./policy.ts";
import { closeStep, requestsStep } from "./requests.ts";
import { sealingKeyStep } from "./sealing-key.ts";
import { relockStep, shareCheckStep, splitStep } from "./shares.ts";
import { storeStep } from "./store.ts";
import { auditKeyStep, tokenStep } from "./token.ts";

/** Refuses CEREMONY-FILE. */
export function genesis(file: CeremonyFile): Procedure {
  const parameters = genesisParameters(file);
  checkPolicyPart(file, parameters);
  const layout = boxLayout(parameters.box);
  return {
    name: "genesis",
    purpose: "To make the box's token, its keys, the shares that open it, and policy number 1.",
    steps: [
      clockStep(parameters),
      peopleStep(["clock"]),
      tokenStep(parameters, (stage) => takePlace(parameters.box, layout, recordName(stage.file))),
      auditKeyStep(parameters),
      splitStep(parameters),
      shareCheckStep(parameters),
      relockStep(parameters),
      sealingKeyStep(parameters),
      policyStep(parameters),
      storeStep(parameters),
      requestsStep(parameters),
      closeStep(parameters),
    ],
    simulated: parameters.hsm === "software-token",
    records: layout.records,
    media: parameters.stick,
    arc: parameters.arc,
    tokenCheck: async ({ begun }) => {
      const { label, module } = parameters.token;
      checkPlace(layout, recordName(file));
      // Gone on with, the token and the medium's copy may be this genesis's own.
      if (begun) return { module, token: label };
      checkCopyPlace(parameters.stick, file.appliance);
      const { longest, shortest } = await withBoxToken(parameters.token, (process) => process.pinLimits(label));
      return { token: `empty, PINs of ${shortest} to ${longest} characters`, module };
    },
    // The audit key has no certificate yet: it signs this transcript at the second sitting.
    countersign: async (_, p7m) => p7m,
    // What was abandoned before there was a box leaves none.
    leave: async () => {
      if (existsSync(layout.signerJson))
        await leaveCopy({ layout, appliance: file.appliance, media: parameters.stick });
    },
  };
}
