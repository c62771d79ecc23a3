/** Verdicts of verifiers, which never throw: what they found must be refusals, none of them a fault of their own. */

import { Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { faultIn } from "./oracle.ts";
import { Broken } from "./target.ts";

interface Verdict {
  readonly ok: boolean;
  readonly findings: readonly RefusalRecord[];
}

export function checkFindings<T extends Verdict>(verdict: T): T {
  for (const finding of verdict.findings) {
    const fault = faultIn(Refusal.fromRecord(finding));
    if (fault) throw new Broken(`a finding is no refusal: ${fault}`);
  }
  if (verdict.ok !== (verdict.findings.length === 0)) throw new Broken("ok and findings contradict each other");
  return verdict;
}
