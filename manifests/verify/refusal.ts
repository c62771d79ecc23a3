/** Verifying refusal.p7m, the signed answer to a batch that the box did not seal. */

import { readSignedData } from "../cms/read.ts";
import type { Host } from "../host.ts";
import { type RefusalFile, readRefusalFile } from "../records/refusal-record.ts";
import { Refusal } from "../refusal.ts";
import { checkAuditSignature, oidsOfType } from "./audit-signature.ts";
import { type Finding, Findings } from "./findings.ts";
import { type Indication, indicationOf } from "./indication.ts";
import { checkNotLater, revocationWord, type Trust } from "./trust.ts";

export interface RefusalVerdict {
  /** the signature is the audit key's, over this very record */
  readonly ok: boolean;
  /** never passed: a refusal that holds says that nothing was sealed */
  readonly indication: Indication;
  readonly findings: readonly Finding[];
  /** what it says; null when it does not hold. What stands under `reported` nobody checked */
  readonly refusal: RefusalFile | null;
  readonly auditor: string | null;
}

/** Verifies a refusal. Hostile content never throws: whatever is wrong is a finding. */
export async function verifyRefusal(host: Host, p7m: Uint8Array, trust: Trust): Promise<RefusalVerdict> {
  const findings = new Findings();
  const checked = await findings.check("refusal.p7m", async () => {
    const data = readSignedData(p7m);
    const oids = oidsOfType(data, "refusal");
    const content = data.content ?? new Uint8Array(0);
    const refusal = readRefusalFile(content);
    if (!refusal.signed) throw new Refusal("HONEST", "a signed refusal says that it is not signed");
    const { certificate } = await checkAuditSignature(host, { data, content, oids }, trust);
    checkNotLater(trust, refusal.created, 0);
    return { refusal, auditor: certificate.subjectText };
  });
  const { refusal = null, auditor = null } = checked ?? {};
  const ok = findings.all.length === 0;
  const facts = { ok, counts: false, revocation: revocationWord(trust), times: false, shown: false };
  return { ok, indication: indicationOf(findings.all, facts), findings: findings.all, refusal, auditor };
}
