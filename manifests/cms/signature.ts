/** One signature check: everything that pure code can refuse is refused before the host is asked (T9, 10). */

import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { checkKey, type PublicKey } from "../x509/key.ts";
import { checkEcdsaForm } from "./ecdsa.ts";
import type { Suite } from "./suite.ts";

export interface SignatureToCheck {
  readonly suite: Suite;
  /** DER SubjectPublicKeyInfo */
  readonly spki: Uint8Array;
  /** what was signed, not its digest */
  readonly message: Uint8Array;
  /** in CMS form */
  readonly signature: Uint8Array;
  /** 2048 unless said, and never less */
  readonly minimumRsaBits?: number;
}

/** Refuses as `checkKey` does for the key, and CMS-SIGNATURE for a signature in a wrong form or one that does not hold. */
export async function checkSignature(host: Host, what: SignatureToCheck): Promise<void> {
  const key = checkKey(what.suite, what.spki, what.minimumRsaBits ?? 2048);
  checkForm(key, what.signature);
  if (!(await host.verify(what.suite, what.spki, what.message, what.signature))) {
    throw new Refusal("CMS-SIGNATURE", "the signature does not hold");
  }
}

/** RSA: as long as the modulus (RFC 8017 8.1.2, 8.2.2 step 1). ECDSA: `checkEcdsaForm`. */
function checkForm(key: PublicKey, signature: Uint8Array): void {
  if (key.kind === "ec") checkEcdsaForm(key.scheme, signature);
  else if (signature.length !== key.modulus.length) {
    throw new Refusal("CMS-SIGNATURE", "an RSA signature is not as long as its modulus");
  }
}
