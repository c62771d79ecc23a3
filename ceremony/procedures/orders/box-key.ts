/** A key of the running box that a ceremony file names by the SHA-256 of its SubjectPublicKeyInfo. */

import { boxKeys, type KeyRow } from "../../../appliance/client/unlock-client.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { hexText } from "../../../manifests/encoding/shape.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Step } from "../../engine/procedure.ts";
import { witnessOf } from "../genesis/begin.ts";
import type { RunningBox } from "./running-box.ts";

/** A ceremony file's member. */
export const keyDigest = hexText();

/** The key with this digest (hex). Refuses CEREMONY-FILE, naming those that the box has. */
export async function boxKey({ socket }: Pick<RunningBox, "socket">, digest: string): Promise<KeyRow> {
  const keys = await boxKeys(socket);
  const found = keys.find(({ spki }) => hex(sha256(spki)) === digest);
  if (found) return found;
  throw new Refusal("CEREMONY-FILE", "the box has no key with this digest", {
    expected: keys.map(({ purpose, spki }) => `${purpose} ${hex(sha256(spki))}`).join(", "),
    got: digest,
  });
}

/** People see which key it is before they sign for it. */
export function keyStep(running: Pick<RunningBox, "socket">, digest: string): Step {
  return {
    id: "key",
    title: "See which key it is",
    acts: "a witness",
    checks: "the administrator",
    minutes: 2,
    script: ["The witness types two groups of the key's digest from the paper."],
    wayBack: "Correct the ceremony file, and have it reviewed anew.",
    needs: ["before"],
    perform: async (stage) => {
      const { certificate, purpose, state, inForce, uri, token } = await boxKey(running, digest);
      const witness = witnessOf(stage);
      stage.scene.say(`The ${purpose} key ${uri} on ${token.uri}: ${state}, ${inForce ? "in force" : "not in force"}.`);
      await stage.scene.compare(witness, `${purpose} key`, digest);
      return {
        people: [witness, leaderOf(stage.file, stage.present())],
        facts: {
          ...(certificate === null ? {} : { certificate }),
          "in force": inForce ? "yes" : "no",
          key: digest,
          purpose,
          state,
          uri,
        },
        shown: [{ label: `${purpose} key`, digest, confirmedBy: [witness] }],
      };
    },
  };
}
