/** Orders by which officers revoked a key of a box (`revoke-key`): kept as they came in, read back verified. */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type OrderOf, readSignedOrder, verifyOrder } from "../../manifests/records/order.ts";
import type { PolicyInForce } from "../../manifests/records/policy-chain.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { ChainPolicies } from "../../manifests/verify/chain/chain-policies.ts";
import type { Sql } from "../store/database.ts";
import { smallEvidence } from "./evidence.ts";

export interface RevokedKey {
  /** SHA-256 of the order's content, hex */
  readonly digest: string;
  /** the order's number */
  readonly number: number;
  /** SHA-256 of the key's SubjectPublicKeyInfo, hex */
  readonly key: string;
  readonly revocation: OrderOf<"revoke-key">["what"]["revocation"];
  /** from when on it may have been in other hands; null: nobody knows, or it was not */
  readonly since: Utc | null;
  readonly reason: string;
  readonly people: readonly string[];
  readonly created: Utc;
}

/** Verified under the policy that it was signed under, at the time that it claims. Refuses as `verifyOrder`, ORDER one of another kind, POLICY-DIGEST where that policy is not at hand. */
export async function readRevokedKey(
  policies: Pick<ChainPolicies, "inForce">,
  arc: string,
  p7m: Uint8Array,
): Promise<RevokedKey> {
  const oids = ownOids(arc);
  const { order } = await readSignedOrder(nodeHost, oids, p7m);
  const inForce: PolicyInForce | undefined = policies.inForce(order.policyDigest);
  if (!inForce) {
    const got = order.policyDigest;
    throw new Refusal("POLICY-DIGEST", "the policy that the order was signed under is not at hand", { got });
  }
  const { digest, people } = await verifyOrder(nodeHost, oids, inForce, p7m, order.created);
  if (order.kind !== "revoke-key") throw new Refusal("ORDER", "no order that revokes a key", { got: order.kind });
  const { created, number } = order;
  const { reason, revocation, since, spki } = order.what;
  return {
    digest: hex(digest),
    number,
    key: hex(sha256(spki)),
    revocation,
    since,
    reason,
    people: [...people].sort(),
    created,
  };
}

/** All of a box, in the order of their numbers, verified anew. Refuses STORE. */
export async function revokedKeysOf(
  sql: Sql,
  { arc, box }: { readonly arc: string; readonly box: number },
  policies: Pick<ChainPolicies, "inForce">,
): Promise<readonly RevokedKey[]> {
  const files = await sql.all<{ file: Uint8Array }>("SELECT file FROM revoked_keys WHERE box = ?", box);
  const keys: RevokedKey[] = [];
  for (const { file } of files) keys.push(await readRevokedKey(policies, arc, await smallEvidence(sql, file)));
  return keys.sort((a, b) => a.number - b.number);
}
