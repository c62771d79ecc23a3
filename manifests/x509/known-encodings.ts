/** The encodings of certificates, of which a batch's stand in every seal: each is looked through once, and equal ones are one piece of memory from then on. */

import { checkDer } from "../encoding/der-check.ts";
import { Recent } from "../encoding/recent.ts";

const known = new Recent<Uint8Array>(16);

/** Bytes equal to `der`, which nobody changes. Refuses DER unless they are strict at every depth. */
export function knownEncoding(der: Uint8Array): Uint8Array {
  const found = known.find(der);
  if (found) return found;
  checkDer(der);
  const own = new Uint8Array(der);
  return known.keep(own, own);
}
