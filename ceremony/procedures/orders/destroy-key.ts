/** Destruction: a key that is out of force is removed from its token, and the box states that the token has it no more. */

import { base64 } from "../../../manifests/encoding/bytes.ts";
import { object, text } from "../../../manifests/encoding/shape.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { withBoxToken } from "../box-token.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { holdersHere } from "../shares-of.ts";
import { boxKey, keyDigest, keyStep } from "./box-key.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import {
  aboutRunningBox,
  pinInForce,
  type RunningBox,
  runningBox,
  runningMembers,
  sharesInForce,
} from "./running-box.ts";

const readValue = object({ ...runningMembers, key: keyDigest, reason: text(500) });

/** Refuses CEREMONY-FILE, CONFIG. */
export function destroyKey(file: CeremonyFile): Procedure {
  const { key, reason, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: "destroy-key",
    purpose: "To destroy a key that is out of force, with evidence.",
    steps: [
      beforeStep(running),
      keyStep(running, key),
      peopleStep(["before"]),
      orderStep(running, {
        kind: "destroy-key",
        title: "Order the key destroyed",
        script: ["There is no way back. A key in force is not destroyed: another one is activated before."],
        wayBack: "Try again; without a quorum nothing is destroyed.",
        needs: ["before", "people", "key"],
        what: async () => ({ reason, spki: base64((await boxKey(running, key)).spki) }),
      }),
      destroyStep(running, key),
      statementStep(running),
    ],
  });
}

function destroyStep(running: RunningBox, digest: string): Step {
  return {
    id: "destroy",
    title: "Destroy both halves of the key on the token",
    acts: "holders of shares, the administrator",
    checks: "a witness",
    minutes: 5,
    script: [
      "The holders give their shares; the token takes the PIN that they make.",
      "The private and the public key are destroyed (C_DestroyObject), and the token is asked for them again: there must be none.",
    ],
    wayBack: "Try again: a key that is gone already counts as destroyed.",
    needs: ["order"],
    perform: async (stage) => {
      const key = await boxKey(running, digest);
      const shares = await sharesInForce(running);
      if (key.token.uri !== shares.token.uri) {
        throw new Refusal("CEREMONY-STEP", "the key is on another token than the one in force", {
          expected: shares.token.uri,
          got: key.token.uri,
        });
      }
      const pin = await pinInForce(stage, running);
      const found = await withBoxToken(shares.token, (process) => process.destroy(shares.token.uri, pin, key));
      return {
        people: [...holdersHere(stage, shares.holders), witnessOf(stage)],
        facts: { key: digest, "objects destroyed": `${found}`, "objects found afterwards": "0", uri: key.uri },
      };
    },
  };
}
