/** The emergency that a batch is to be sealed in, checked here: the order that officers signed, by the digest in the challenge, and the policy's own text. */

import { nodeHost, sha256 } from "../host/crypto-host.ts";
import { hex, utf8 } from "../manifests/encoding/bytes.ts";
import type { Challenge } from "../manifests/records/decision.ts";
import { type Declaration, textNamed } from "../manifests/records/emergency.ts";
import { readOrder } from "../manifests/records/order.ts";
import type { Policy } from "../manifests/records/policy.ts";
import { Refusal } from "../manifests/refusal.ts";

export interface OpenedEmergency {
  readonly cause: Declaration["cause"];
  readonly reason: string;
  /** what every signer of the policy approved beforehand */
  readonly text: string;
}

/**
 * What officers declared, in mode emergency; undefined in others. `declaration`: the order's canonical JSON, as the box gives it. Refuses with
 * CHALLENGE-MATCH one that is not the challenge's, or whose text the policy does not have.
 */
export async function checkEmergency(
  { emergency, mode }: Challenge,
  policy: Policy,
  declaration: string | null,
): Promise<OpenedEmergency | undefined> {
  if (mode !== "emergency") return undefined;
  const got = declaration === null ? "none" : hex(sha256(utf8(declaration)));
  if (declaration === null || got !== emergency) {
    throw new Refusal(
      "CHALLENGE-MATCH",
      "the emergency that the box has open is not the one that the challenge names",
      {
        expected: `order ${emergency ?? "none"}`,
        got: `order ${got}`,
      },
    );
  }
  const order = readOrder(utf8(declaration));
  if (order.kind !== "declare-emergency") {
    throw new Refusal("CHALLENGE-MATCH", "the challenge names an order that declares no emergency", {
      got: order.kind,
    });
  }
  const { cause, reason, text: named } = order.what;
  const text = await textNamed(nodeHost, policy, named);
  if (text !== undefined) return { cause, reason, text };
  throw new Refusal("CHALLENGE-MATCH", "the policy has no such text as the emergency was declared under", {
    expected: policy.emergency?.texts.map(({ language }) => language).join(", ") ?? "none",
    got: `${named.language}, SHA-256 ${named.digest}`,
  });
}
