/** closing.p7m by itself: the audit key's signature, its path, and that its policy names this key where that policy is at hand. */

import { readSignedData } from "../cms/read.ts";
import { equal, hex } from "../encoding/bytes.ts";
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

/** `policies`: at hand, and holding; those of another genesis say nothing. Refuses DER, CMS-*, JSON, SHAPE, PATH-*, CLOSING. */
export async function checkClosingFile(
  host: Host,
  p7m: Uint8Array,
  trust: Trust,
  policies: readonly PolicyInForce[],
): Promise<CheckedClosing> {
  const oids = oidsOfType(readSignedData(p7m), "closing");
  const { closing, content, data } = await readSignedClosing(host, oids, p7m);
  const { certificate, certificateSha256 } = await checkAuditSignature(host, { data, content, oids }, trust);
  const { digest, number } = closing.policy;
  const own = policies.filter(({ genesis }) => genesis === closing.policy.genesis).sort((a, b) => a.number - b.number);
  const newest = own.at(-1);
  const named = own.find((one) => hex(one.digest) === digest);
  const fits = named ? named.number === number : number > (newest?.number ?? 0);
  if (!fits) {
    throw new Refusal("CLOSING", "the closing record names a policy that is none of this chain", {
      expected: named ? `number ${named.number}` : `a number after ${newest?.number ?? 0}, or one that is here`,
      got: `number ${number}, ${digest}`,
    });
  }
  if (named && !equal(named.policy.keys.audit, certificate.spki)) {
    throw new Refusal("CLOSING", "the closing record is signed by another audit key than its policy's");
  }
  if (newest?.policy.revoked.includes(certificateSha256)) {
    throw new Refusal("PATH-REVOKED", "a policy revokes the certificate of the closing record");
  }
  return { closing, arc: oids.arc, policyShown: named !== undefined };
}
