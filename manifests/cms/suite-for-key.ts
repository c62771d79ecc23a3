/** Which suite a person's key signs with, where no policy says it. */

import { readPublicKey } from "../x509/key.ts";
import type { HashName, Suite } from "./suite.ts";
import { suiteOf } from "./suite.ts";

/** RSA keys sign PKCS#1 v1.5 with `hash`, EC keys with the digest of their curve. Refuses with PATH-KEY other keys. */
export function suiteForKey(spki: Uint8Array, hash: HashName): Suite {
  const key = readPublicKey(spki);
  if (key.kind === "rsa") return suiteOf(`rsa-pkcs1-${hash}`);
  return suiteOf(key.scheme === "ecdsa-p256" ? "ecdsa-p256-sha256" : "ecdsa-p384-sha384");
}
