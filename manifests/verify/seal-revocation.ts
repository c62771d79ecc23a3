/** Revocation data that came in a seal (CAdES-B-LT): taken out of it, and what a verdict by it says of itself. */

import { noValues, type RevocationValues, withoutRevocation } from "../cms/revocation-values.ts";
import { readCrl } from "../x509/crl.ts";
import { readOcsp } from "../x509/ocsp.ts";
import type { RevocationWord } from "./indication.ts";
import { revocationWord, type Trust } from "./trust.ts";

/** What cannot be taken apart and read is left to the strict reader to refuse. */
export function splitSeal(seal: Uint8Array): ReturnType<typeof withoutRevocation> {
  try {
    const split = withoutRevocation(seal);
    for (const crl of split.values.crls) readCrl(crl);
    for (const response of split.values.ocsp) readOcsp(response);
    return split;
  } catch {
    return { base: seal, values: noValues };
  }
}

/** HONEST: what came in the seal was chosen by whoever gave it, and may be old. */
export function revocationOf(trust: Trust, values: RevocationValues): RevocationWord {
  const own = revocationWord(trust);
  const word = revocationWord(withValues({ roots: [] }, values));
  return own !== "none" || word === "none" ? own : `${word} in the seal`;
}

/** What is trusted, and beside its lists and responses those that came in the seal. */
export function withValues(trust: Trust, { crls, ocsp }: RevocationValues): Trust {
  return {
    ...trust,
    ...(crls.length > 0 ? { crls: [...(trust.crls ?? []), ...crls] } : {}),
    ...(ocsp.length > 0 ? { ocsp: [...(trust.ocsp ?? []), ...ocsp] } : {}),
  };
}
