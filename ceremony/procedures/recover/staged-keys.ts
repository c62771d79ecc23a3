/** Keys that the lost box had staged, by its orders: which token they are on, and the policy that lets those of a second token come into force. */

import { join } from "node:path";
import { sha256 } from "../../../host/crypto-host.ts";
import { writeDurable } from "../../../host/durable.ts";
import { equal, hex } from "../../../manifests/encoding/bytes.ts";
import type { OrderWhat } from "../../../manifests/records/order.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { Step } from "../../engine/procedure.ts";
import type { TokenPlace } from "../../tokens/token-job.ts";
import { type BoxAtHand, boxAtHand } from "../box-at-hand.ts";
import { witnessOf } from "../genesis/begin.ts";
import { policyWithKeys, signNextPolicy } from "../orders/activate.ts";
import { policyInForce, policyName } from "../policies-at-hand.ts";
import { ordersAtHand } from "./orders-at-hand.ts";
import type { RecoverParameters } from "./parameters.ts";

type StagedKey = OrderWhat<"stage-key">;

/** Of verified orders alone. Refuses as `ordersAtHand`. */
export async function stagedKeys(
  parameters: Pick<RecoverParameters, "evidence">,
  box: BoxAtHand,
): Promise<readonly StagedKey[]> {
  const orders = await ordersAtHand(parameters, box);
  return orders.flatMap(({ order }) => (order.kind === "stage-key" ? [order.what] : []));
}

/** Where the token of a key is: its URI by the order, how it is reached by the ceremony's file alone. Refuses CEREMONY-FILE where that does not say it. */
export function placeOf(
  staged: readonly StagedKey[],
  spki: Uint8Array,
  { secondToken }: Pick<RecoverParameters, "secondToken">,
  configured: TokenPlace & { readonly uri: string },
): TokenPlace & { readonly uri: string } {
  const uri = staged.find((one) => equal(one.spki, spki))?.token.uri ?? configured.uri;
  if (uri === configured.uri) return configured;
  if (secondToken) return { ...secondToken, uri };
  throw new Refusal("CEREMONY-FILE", "the keys in force are on another token than the genesis's", {
    expected: `parameters.secondToken: where ${uri} is reached`,
    got: "none",
  });
}

/** HSM and disk are lost: the next policy names the keys on the second token. A policy that was signed before an interruption stands. */
export function secondTokenStep(
  parameters: RecoverParameters,
  keys: { readonly audit: string; readonly sealing: string },
): Step {
  return {
    id: "policy",
    title: "Sign the next policy, which names the keys on the second token",
    acts: "officers, with their own tokens",
    checks: "a witness",
    minutes: 10,
    script: [
      "The audit key of the lost HSM cannot introduce another one: the quorum does, by this policy and the continuity record.",
      "Each officer types two groups of the digest from the paper, and signs with the own token.",
    ],
    wayBack: "Try again, or strike out the person whose token fails, as long as the quorum is complete.",
    needs: ["gather", "people"],
    perform: async (stage) => {
      const box = boxAtHand(stage.file, parameters.box);
      const before = await policyInForce(box);
      const staged = await stagedKeys(parameters, box);
      const named = { audit: keyOf(staged, "audit", keys.audit), sealing: keyOf(staged, "sealing", keys.sealing) };
      if (equal(before.policy.keys.audit, named.audit) && equal(before.policy.keys.sealing, named.sealing)) {
        return { people: [witnessOf(stage)], facts: { digest: hex(before.digest), number: `${before.number}` } };
      }
      const { result, signed } = await signNextPolicy(stage, before, policyWithKeys(before, named));
      const name = `${policyName(before.number + 1)}.p7m`;
      await writeDurable(join(parameters.evidence, "policies", name), signed);
      await writeDurable(join(box.layout.policies, name), signed);
      return result;
    },
  };
}

function keyOf(staged: readonly StagedKey[], purpose: "audit" | "sealing", digest: string): Uint8Array {
  const found = staged.find((one) => one.purpose === purpose && hex(sha256(one.spki)) === digest);
  if (found) return found.spki;
  throw new Refusal("CEREMONY-FILE", `no ${purpose} key with this digest was staged`, {
    expected: staged.map((one) => `${one.purpose} ${hex(sha256(one.spki))}`).join(", ") || "none was staged",
    got: digest,
  });
}
