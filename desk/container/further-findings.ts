/** What was found in a container beside what the verifier saw of it: the verdict holds no more. Pure. */

import type { Finding } from "../../manifests/verify/findings.ts";
import { type Indication, indicationOf } from "../../manifests/verify/indication.ts";

interface Verdict {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  readonly indication: Indication;
}

export function withFurther<T extends Verdict>(verdict: T, further: readonly Finding[]): T {
  if (further.length === 0) return verdict;
  const findings = [...verdict.findings, ...further];
  const { revocation, time } = verdict.indication;
  const facts = { ok: false, counts: true, shown: true, revocation, times: time === "evidence" };
  return { ...verdict, ok: false, findings, indication: indicationOf(findings, facts) };
}
