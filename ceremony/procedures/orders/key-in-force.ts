/** Of the keys that a signer names, the one in force. */

import type { KeyRow } from "../../../appliance/client/unlock-client.ts";
import { Refusal } from "../../../manifests/refusal.ts";

/** Refuses CEREMONY-STATE; a signer always names both. */
export function keyInForce(keys: readonly KeyRow[], purpose: KeyRow["purpose"]): KeyRow {
  const key = keys.find((one) => one.inForce && one.purpose === purpose);
  if (key) return key;
  throw new Refusal("CEREMONY-STATE", `the signer names no ${purpose} key in force`);
}
