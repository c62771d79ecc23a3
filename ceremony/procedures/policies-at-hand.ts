/** The policies of a box as its ceremonies left them, number 1 first. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { type PolicyInForce, policyChain, walkPolicyChain } from "../../manifests/records/policy-chain.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BoxAtHand } from "./box-at-hand.ts";

type Where = Pick<BoxAtHand, "genesis" | "layout">;

/** The last policy, its chain verified from the genesis digest on. Refuses POLICY-*. */
export async function policyInForce({ layout, genesis }: Where): Promise<PolicyInForce> {
  return walkPolicyChain(nodeHost, filesOf(layout), genesis);
}

/** All of them, verified in the same way. */
export async function policiesAtHand({ layout, genesis }: Where): Promise<readonly PolicyInForce[]> {
  return policyChain(nodeHost, filesOf(layout), genesis);
}

function filesOf(layout: BoxAtHand["layout"]): readonly Uint8Array[] {
  return readdirSync(layout.policies)
    .filter((name) => /^policy-\d{4}\.p7m$/.test(name))
    .sort()
    .map((name) => readFileSync(join(layout.policies, name)));
}

/** Refuses CEREMONY-STATE unless the signer holds to this very policy. */
export function checkHeld({ digest }: Pick<PolicyInForce, "digest">, held: string): void {
  if (held === hex(digest)) return;
  throw new Refusal("CEREMONY-STATE", "the signer holds to another policy", { expected: hex(digest), got: held });
}

/** Name of a policy's file, without its ending. */
export function policyName(number: number): string {
  return `policy-${String(number).padStart(4, "0")}`;
}
