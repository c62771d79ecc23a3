/** By what records of a lost store are judged: who the box is, and its whole chain of policies. */

import { sha256 } from "../../../host/crypto-host.ts";
import { equal, hex } from "../../../manifests/encoding/bytes.ts";
import type { OwnOids } from "../../../manifests/encoding/oid.ts";
import type { PolicyInForce } from "../../../manifests/records/policy-chain.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { BundleSource } from "../../../manifests/verify/source.ts";

/** What verifies a record of the past: the chain of policies says who could sign, and with which keys. */
export interface PastBox {
  readonly appliance: string;
  readonly genesis: string;
  readonly oids: OwnOids;
  readonly policies: readonly PolicyInForce[];
}

/** Refuses with CHAIN a record under a policy that is not of the chain. */
export function policyOf({ policies }: PastBox, digest: string, about: string): PolicyInForce {
  const found = policies.find((one) => hex(one.digest) === digest);
  if (found) return found;
  throw new Refusal("CHAIN", "made under a policy that is not at hand", { expected: digest, about });
}

/** Refuses with HSM-KEY what was signed by a key that was never this box's audit key. */
export function checkAuditKey({ policies }: PastBox, spki: Uint8Array, about: string): void {
  if (policies.some(({ policy }) => equal(policy.keys.audit, spki))) return;
  throw new Refusal("HSM-KEY", "signed by a key that no policy names as the box's audit key", {
    got: `public key ${hex(sha256(spki))}`,
    about,
  });
}

/** Files or folders named by a number, in its order; of other names none is read. */
export async function numbered(
  source: BundleSource,
  folder: string,
  name: RegExp,
): Promise<readonly (readonly [number, string])[]> {
  const found: [number, string][] = [];
  for (const one of await source.list(folder)) {
    const number = Number(name.exec(one)?.[1] ?? Number.NaN);
    if (!Number.isNaN(number)) found.push([number, `${folder}/${one}`]);
  }
  return found.sort(([a], [b]) => a - b);
}
