/** The four verifiers that are not ours. */

import { bouncycastle } from "./bouncycastle.ts";
import { certtool } from "./certtool.ts";
import { gpgsm } from "./gpgsm.ts";
import { openssl } from "./openssl.ts";
import type { VerifierKind } from "./verifier.ts";

export const verifiers: readonly VerifierKind[] = [openssl, gpgsm, certtool, bouncycastle];

for (const { name, version, needs } of verifiers) {
  if (version === null) console.warn(`NOT TESTED: verifying with ${name}, because it is not here (Debian: ${needs})`);
}

/** Whether tests with it run. Under CI they always do, and fail where it is missing. */
export function isHere({ version }: VerifierKind): boolean {
  return version !== null || process.env.CI !== undefined;
}
