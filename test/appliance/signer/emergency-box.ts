/** A test box whose policy in force allows emergencies: its key was staged, certified and activated as ceremonies do it. */

import { importPolicy } from "../../../appliance/signer/import-policy.ts";
import { type TakenAnswer, takeOrder } from "../../../appliance/signer/take-order.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { base64, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import type { EmergencyRules } from "../../../manifests/records/emergency.ts";
import type { OrderKind } from "../../../manifests/records/order.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { type Issued, issue } from "../../pki/authority.ts";
import { orderOf } from "./order-of.ts";
import { following, oids, root, signPolicy } from "./people.ts";
import { TestBox } from "./test-box.ts";

export const texts = [
  { language: "en", text: "The provider's service is gone; this seal was made under the emergency procedure." },
  { language: "de", text: "Der Dienst des Anbieters ist ausgefallen." },
];

/** One operator suffices in an emergency, for 5 seals in two days. */
export const rules: EmergencyRules = { hours: 48, officers: 2, operators: 1, seals: 5, texts };

export interface EmergencyBox {
  readonly box: TestBox;
  readonly key: Issued;
  order(kind: OrderKind, what: Json, by?: readonly Issued[]): Promise<TakenAnswer>;
  /** declares one; gives the digest of the order, hex */
  declare(change?: { readonly [name: string]: Json }, by?: readonly Issued[]): Promise<string>;
  /** the policy that follows the one in force, with changes, in force */
  policy(change: Partial<Policy>): Promise<number>;
}

/** Unlocked; number 2 of its policies is in force, and no emergency is open. */
export async function emergencyBox(change: Partial<EmergencyRules> = {}): Promise<EmergencyBox> {
  const box = await TestBox.make();
  const key = issue(root, { name: "emergency", eku: [oids.emergency] });
  box.hsm.others = [key];
  await box.unlock();
  const order = async (kind: OrderKind, what: Json, by?: readonly Issued[]) =>
    takeOrder(box.box, await orderOf(box, kind, what, by));
  const policy = async (next: Partial<Policy>) => {
    const { policy: before } = box.box.policies.inForce;
    return importPolicy(box.box, await signPolicy(following(before, next), ["op1", "op2"]));
  };
  const token = { environment: {}, module: "none", uri: box.config.token.uri };
  const uri = "pkcs11:object=emergency;id=%03";
  await order("stage-key", { kind: "p256", purpose: "emergency", spki: base64(key.spki), token, uri });
  await order("certify-key", { certificates: [base64(key.certificate)], spki: base64(key.spki) });
  const { keys } = box.box.policies.inForce.policy;
  await policy({
    emergency: { ...rules, ...change },
    keys: { ...keys, emergency: key.spki },
    modes: ["test", "emergency"],
  });
  await box.unlock();
  const declare = async (what: { readonly [name: string]: Json } = {}, by?: readonly Issued[]) =>
    (await order("declare-emergency", { ...declaration, ...what }, by)).digest;
  return { box, key, order, declare, policy };
}

export const declaration = {
  cause: "provider",
  reason: "The KMS of the provider has been gone since Sunday.",
  text: { digest: hex(sha256(utf8(texts[0]?.text ?? ""))), language: "en" },
};
