/** Genesis: from an empty token to a box that knows its people. Nothing else ever makes these things. */

import type { CeremonyFile } from "../../engine/ceremony-file.ts";
import type { Procedure } from "../../engine/procedure.ts";
import { leaveCopy } from "../box-copy.ts";
import { withBoxToken } from "../box-token.ts";
import { boxLayout } from "../layout.ts";
import { clockStep, peopleStep } from "./begin.ts";
import { genesisParameters } from "./parameters.ts";
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
  return {
    name: "genesis",
    purpose: "To make the box's token, its keys, the shares that open it, and policy number 1.",
    steps: [
      clockStep(parameters),
      peopleStep(["clock"]),
      tokenStep(parameters),
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
    records: boxLayout(parameters.box).records,
    media: parameters.stick,
    arc: parameters.arc,
    tokenCheck: async () => {
      const { longest, shortest } = await withBoxToken(parameters.token, (process) => process.pinLimits());
      return { token: `empty, PINs of ${shortest} to ${longest} characters`, module: parameters.token.module };
    },
    // The audit key has no certificate yet: it signs this transcript at the second sitting.
    countersign: async (_, p7m) => p7m,
    leave: () => leaveCopy({ layout: boxLayout(parameters.box), appliance: file.appliance, media: parameters.stick }),
  };
}
