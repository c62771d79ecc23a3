/**
 * Recovery: the disk is lost, perhaps the HSM and the box with it. From exports, prints, shares and a token the box is made anew; the quorum
 * signs what of its record is unexplained.
 */

import { setTimeout } from "node:timers/promises";
import { boxStanding, countersign, verifyJournal } from "../../../appliance/client/unlock-client.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";
import type { CeremonyFile } from "../../engine/ceremony-file.ts";
import type { Procedure, Stage, Step } from "../../engine/procedure.ts";
import { boxAtHand } from "../box-at-hand.ts";
import { leaveCopy } from "../box-copy.ts";
import { clockStep, peopleStep, witnessOf } from "../genesis/begin.ts";
import { statementStep } from "../orders/order-steps.ts";
import { type RunningBox, unlockByHolders } from "../orders/running-box.ts";
import { gatherStep } from "./gather-step.ts";
import { copiesOn } from "./media-copies.ts";
import { type RecoverParameters, recoverParameters } from "./parameters.ts";
import { rebuildStep, recordStep, surveyStep } from "./record-steps.ts";
import { secondTokenStep } from "./staged-keys.ts";

/** Refuses CEREMONY-FILE. The self-test refuses CONFIG where no medium holds a copy of the box. */
export function recover(file: CeremonyFile): Procedure {
  const parameters = recoverParameters(file);
  const { activate, arc, from, genesis, hsm, layout, socket, stick } = parameters;
  const running = runningLater(file, parameters);
  return {
    name: "recover",
    purpose: "To make a box anew whose disk was lost, from its exports.",
    steps: [
      clockStep(parameters),
      gatherStep(parameters),
      peopleStep(["gather"]),
      ...(activate ? [secondTokenStep(parameters, activate)] : []),
      surveyStep(parameters, activate ? ["policy"] : ["gather"]),
      recordStep(parameters),
      rebuildStep(parameters),
      startStep(running),
      statementStep(running),
    ],
    simulated: hsm === "software-token",
    records: layout.records,
    media: stick,
    arc,
    tokenCheck: async () => ({
      genesis,
      token: parameters.token.module,
      "files of the copy": `${(await copiesOn(from, file.appliance)).size}`,
    }),
    countersign: (_, p7m) => unlessUnreachable(() => countersign(socket, p7m), p7m),
    leave: () =>
      unlessUnreachable(() => leaveCopy({ layout, appliance: file.appliance, media: stick, socket }), undefined),
  };
}

/** A recovery that is abandoned before its signer runs ends all the same: people sign its transcript alone. */
async function unlessUnreachable<T>(act: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await act();
  } catch (fault) {
    if (asRefusal(fault, "INTERNAL", "a fault").code !== "UNREACHABLE") throw fault;
    return otherwise;
  }
}

/** The box is known only once its configuration was gathered. */
function runningLater(file: CeremonyFile, { box, socket, stick, unlock }: RecoverParameters): RunningBox {
  return {
    get box() {
      return boxAtHand(file, box);
    },
    socket,
    stick,
    parameters: { box, stick, unlock, unlockSocket: socket },
    file,
  };
}

function startStep(running: RunningBox): Step {
  return {
    id: "start",
    title: "Start the signer, unlock it by shares, and have it read its whole record",
    acts: "the administrator, holders of shares",
    checks: "a witness",
    minutes: 10,
    script: [
      "The signer is started on the new configuration, by what starts it in production; the ceremony waits for that.",
      "The holders give their shares. The unlock succeeds only where the token's head is that of the new store.",
    ],
    wayBack: "See the signer's log, and try again.",
    needs: ["rebuild"],
    perform: async (stage) => {
      await answering(stage, running.socket);
      const holders = await unlockByHolders(stage, running);
      const { manifests } = (await verifyJournal(running.socket)) as { readonly manifests: number };
      const { orders, policy } = await boxStanding(running.socket);
      return {
        people: [...holders, witnessOf(stage)],
        facts: { manifests: `${manifests}`, orders: `${orders.number}`, policy: `${policy.number} ${policy.digest}` },
      };
    },
  };
}

async function answering(stage: Stage, socket: string): Promise<void> {
  for (let left = 240; left > 0; left--) {
    try {
      return void (await boxStanding(socket));
    } catch (fault) {
      if (asRefusal(fault, "INTERNAL", "a fault").code !== "UNREACHABLE") throw fault;
    }
    if (left === 238) stage.scene.say("Waiting for the signer to be started.");
    await setTimeout(500);
  }
  throw new Refusal("UNREACHABLE", "the signer was not started", { expected: "a signer on the new configuration" });
}
