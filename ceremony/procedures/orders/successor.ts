/**
 * The second token: a successor for the day that the first one is lost. It is made as the first was at genesis, with a PIN and shares of its
 * own; the box records its keys, and uses them for nothing until a policy names them.
 */

import { base64, fromBase64 } from "../../../manifests/encoding/bytes.ts";
import { object, oneOf, optional, text } from "../../../manifests/encoding/shape.ts";
import { type CeremonyFile, readParameters, tokenIn } from "../../engine/ceremony-file.ts";
import type { Procedure } from "../../engine/procedure.ts";
import { withBoxToken } from "../box-token.ts";
import { peopleStep } from "../genesis/begin.ts";
import { keyKinds, readNewToken } from "../genesis/parameters.ts";
import { closeStep, requestsStep } from "../genesis/requests.ts";
import { sealingKeyStep } from "../genesis/sealing-key.ts";
import { relockStep, shareCheckStep, splitStep } from "../genesis/shares.ts";
import { auditKeyStep, tokenStep } from "../genesis/token.ts";
import { recoveryOf } from "../resplit/recovery-split.ts";
import { readSplit, splitIn } from "../split-parameters.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, runningBox, runningMembers } from "./running-box.ts";

const readValue = object({
  ...runningMembers,
  keys: object({ audit: oneOf(keyKinds), sealing: oneOf(keyKinds) }),
  organization: text(64),
  /** who holds the shares of the second token */
  next: readSplit,
  /** the recovery holders' split of its PIN, where the box has one */
  recovery: optional(readSplit),
  /** SO PIN: split apart, or nobody ever knows it */
  soPin: optional(readSplit),
  token: readNewToken,
});

/** Refuses CEREMONY-FILE, CONFIG. */
export function successor(file: CeremonyFile): Procedure {
  const { keys, next, organization, recovery: wanted, soPin, token, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  const recovery = recoveryOf(file, running.box, wanted);
  const made = {
    arc: running.box.arc,
    box: running.box.layout.successor,
    keys,
    organization,
    stick: running.stick,
    token: tokenIn(token, file.folder),
    unlock: splitIn(file, next),
    ...(recovery ? { recovery } : {}),
    ...(soPin ? { soPin: splitIn(file, soPin) } : {}),
  };
  const record = (purpose: "audit" | "sealing", needs: readonly string[]) =>
    orderStep(running, {
      id: `record-${purpose}`,
      kind: "stage-key",
      title: `Order the box to record the second token's ${purpose} key`,
      script: ["The box knows the key from now on, and uses it for nothing until a policy names it."],
      wayBack: "Try again; what is not recorded is not used.",
      needs,
      what: (stage) => {
        const { spki = "", uri = "" } = stage.facts(`${purpose}-key`);
        const { environment, module } = made.token;
        return {
          kind: keys[purpose],
          purpose,
          spki: base64(fromBase64(spki)),
          token: { environment: { ...environment }, module, uri: stage.facts("token").uri ?? "" },
          uri,
        };
      },
    });
  return aboutRunningBox(
    running,
    {
      name: "successor",
      purpose: "To make a second token ready, with keys and shares of its own, for the day that the first is lost.",
      steps: [
        beforeStep(running, { unlocked: true }),
        peopleStep(["before"]),
        tokenStep(made),
        auditKeyStep(made),
        splitStep(made),
        shareCheckStep(made),
        relockStep(made),
        sealingKeyStep(made),
        requestsStep(made, ["sealing-key"]),
        record("audit", ["audit-key", "before", "people"]),
        statementStep(running, "record-audit", "stated-audit"),
        record("sealing", ["sealing-key", "before", "people"]),
        statementStep(running, "record-sealing", "stated-sealing"),
        closeStep(made),
      ],
    },
    async (begun) => {
      if (begun) return { "second token": made.token.label };
      const { longest, shortest } = await withBoxToken(made.token, (process) => process.pinLimits(made.token.label));
      return { "second token": `empty, PINs of ${shortest} to ${longest} characters` };
    },
  );
}
