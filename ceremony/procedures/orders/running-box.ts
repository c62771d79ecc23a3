/** A box that runs, as a ceremony about it meets it: by its folder, its unlock socket, and the shares that open it. */

import {
  type BoxStanding,
  boxKeys,
  boxStanding,
  countersign,
  unlock,
} from "../../../appliance/client/unlock-client.ts";
import { object, optional, type Read, text } from "../../../manifests/encoding/shape.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, pathIn } from "../../engine/ceremony-file.ts";
import type { Facts, Procedure, Stage, Step } from "../../engine/procedure.ts";
import { type BoxAtHand, boxAtHand, readHeldShares, sharesOf } from "../box-at-hand.ts";
import { leaveCopy } from "../box-copy.ts";
import { checkOfficersOf, checkPeopleOf } from "../people-of-policy.ts";
import { policyInForce } from "../policies-at-hand.ts";
import { type BoxShares, boxPin, checkHoldersHere, holdersHere } from "../shares-of.ts";
import { keyInForce } from "./key-in-force.ts";
import { secondTokenFacts, secondTokenSteps } from "./second-token.ts";

/** Members that every ceremony about a running box has. */
export const runningMembers = {
  box: text(4096),
  /** shares of the second token, which is proven then; without them the record says that it was not */
  second: optional(readHeldShares),
  stick: text(4096),
  /** the shares that are in force, and how many open; where the ceremony needs the box unlocked, or its token's PIN */
  unlock: optional(readHeldShares),
  unlockSocket: text(4096),
};

const readRunning = object(runningMembers);
export type RunningParameters = Read<typeof readRunning>;

export interface RunningBox {
  readonly box: BoxAtHand;
  readonly socket: string;
  readonly stick: string;
  readonly parameters: RunningParameters;
  readonly file: CeremonyFile;
}

/** Refuses CONFIG; CEREMONY-FILE when it is another appliance's. */
export function runningBox(file: CeremonyFile, parameters: RunningParameters): RunningBox {
  return {
    box: boxAtHand(file, parameters.box),
    socket: pathIn(file, parameters.unlockSocket),
    stick: pathIn(file, parameters.stick),
    parameters,
    file,
  };
}

export interface PlannedProcedure {
  readonly name: string;
  readonly purpose: string;
  readonly steps: readonly Step[];
  /** how many officers must sign under the policy in force; as many as sign a policy unless said */
  readonly officers?: (policy: Policy) => number;
}

/**
 * A procedure about a running box. The audit key signs its transcript too; not where this very ceremony closed the box or took that key
 * out of use: then people alone do, and the transcript of the next opening follows it by digest.
 */
export function aboutRunningBox(
  running: RunningBox,
  { name, purpose, steps, officers = ({ thresholds }) => thresholds.policy }: PlannedProcedure,
  moreChecks: (begun: boolean) => Promise<Facts> = async () => ({}),
): Procedure {
  const { box, socket, stick } = running;
  return {
    name,
    purpose,
    steps: withSecondToken(running, steps),
    simulated: box.simulated,
    records: box.layout.records,
    media: stick,
    arc: box.arc,
    tokenCheck: async ({ begun }) => {
      // Gone on with, the policy may be the one that this very ceremony brought into force.
      if (!begun) {
        const { policy } = await policyInForce(box);
        checkPeopleOf(running.file, [policy]);
        checkOfficersOf(running.file, policy, officers(policy));
      }
      return {
        genesis: box.genesis,
        token: keyInForce(await boxKeys(socket), "audit").token.uri,
        ...(await secondTokenFacts(running)),
        ...(await moreChecks(begun)),
      };
    },
    countersign: async (stage, p7m) => {
      const { closing } = await boxStanding(socket);
      if (closing !== null) return withoutAudit(stage, p7m, "the box is closed");
      try {
        return await countersign(socket, p7m);
      } catch (fault) {
        if (asRefusal(fault, "INTERNAL", "a fault").code !== "KEY-STATE") throw fault;
        return withoutAudit(stage, p7m, "the audit key is out of use");
      }
    },
    leave: () => leaveCopy({ layout: box.layout, appliance: box.appliance, media: stick, socket }),
  };
}

/** After the first step, which sees how the box stands. */
function withSecondToken(running: RunningBox, [first, ...others]: readonly Step[]): readonly Step[] {
  return first ? [first, ...secondTokenSteps(running), ...others] : [];
}

function withoutAudit(stage: Stage, p7m: Uint8Array, why: string): Uint8Array {
  stage.scene.say(`The audit key does not sign this transcript: ${why}.`);
  return p7m;
}

/** Apart from the PIN of a token that the ceremony itself makes. */
const inForceSecret = "PIN of the token in force";

/** Shares of the token in force. Refuses CEREMONY-FILE where the file names none, STORE. */
export async function sharesInForce({ box, file, parameters, socket }: RunningBox): Promise<BoxShares> {
  if (!parameters.unlock) {
    throw new Refusal("CEREMONY-FILE", "this needs the box's shares", { expected: "parameters.unlock", got: "none" });
  }
  const keys = await boxKeys(socket);
  return {
    ...sharesOf(file, box, parameters.unlock),
    auditKeys: keys.filter(({ purpose }) => purpose === "audit").map(({ spki }) => spki),
    token: keyInForce(keys, "audit").token,
  };
}

/** The PIN of the token in force by shares, proven by a login; it stays the stage's. Refuses as `boxPin`. */
export async function pinInForce(stage: Stage, running: RunningBox): Promise<Uint8Array> {
  return boxPin(stage, await sharesInForce(running), inForceSecret);
}

/** Unlocks by shares, unless it is unlocked. Gives those who opened it. Refuses SHARE-*, PIN-*, CLOSED, HSM-*. */
export async function unlockByHolders(stage: Stage, running: RunningBox): Promise<readonly string[]> {
  const { locked } = await boxStanding(running.socket);
  if (!locked) return [];
  const shares = await sharesInForce(running);
  checkHoldersHere(stage, shares);
  const holders = holdersHere(stage, shares.holders).slice(0, shares.threshold);
  const pin = await boxPin(stage, shares, inForceSecret);
  try {
    await unlock(running.socket, pin);
    return holders;
  } finally {
    stage.secrets.drop(inForceSecret);
  }
}

export type { BoxStanding };
