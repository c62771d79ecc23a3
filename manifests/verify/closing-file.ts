/** closing.p7m by itself: the audit key's signature, its path, and that its policy names this key where that policy is at hand. */

import { readSignedData } from "../cms/read.ts";
import { equal } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { type Closing, readSignedClosing } from "../records/closing.ts";
import type { PolicyInForce } from "../records/policy-chain.ts";
import { Refusal } from "../refusal.ts";
import { checkAuditSignature, oidsOfType } from "./audit-signature.ts";
import type { Trust } from "./trust.ts";

export interface CheckedClosing {
  readonly closing: Closing;
  readonly arc: string;
  /** whether its audit key is one that a policy at hand names; without it is the certificate's word alone */
  readonly policyShown: boolean;
}

/** `policyOf`: the policy of a digest (hex), where it is at hand and holds. Refuses DER, CMS-*, JSON, SHAPE, PATH-*, CLOSING. */
export async function checkClosingFile(
  host: Host,
  p7m: Uint8Array,
  trust: Trust,
  policyOf: (digest: string) => Pick<PolicyInForce, "policy"> | undefined,
): Promise<CheckedClosing> {
  const oids = oidsOfType(readSignedData(p7m), "closing");
  const { closing, content, data } = await readSignedClosing(host, oids, p7m);
  const { certificate } = await checkAuditSignature(host, { data, content, oids }, trust);
  const policy = policyOf(closing.policy.digest)?.policy;
  if (policy && !equal(policy.keys.audit, certificate.spki)) {
    throw new Refusal("CLOSING", "the closing record is signed by another audit key than its policy's");
  }
  return { closing, arc: oids.arc, policyShown: policy !== undefined };
}
