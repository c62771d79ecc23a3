/** What says whether certificates are revoked, in the files in which people hand it to a verifier. */

import { fromBase64 } from "../encoding/bytes.ts";
import { pemBlocks } from "../encoding/pem.ts";
import { shown } from "../records/names.ts";
import { Refusal } from "../refusal.ts";
import { readCrl } from "../x509/crl.ts";

/** The DER of the one CRL that a file holds, as DER or PEM. Refuses USAGE what is no CRL that can be read, and several. */
export function crlFrom(bytes: Uint8Array, name: string): Uint8Array {
  try {
    const [pem, second] = pemBlocks(bytes, "X509 CRL");
    if (second !== undefined) throw new Refusal("SHAPE", "it holds several: give each in a file of its own");
    const der = pem === undefined ? bytes : fromBase64(pem);
    readCrl(der);
    return der;
  } catch (cause) {
    throw noCrl(name, cause);
  }
}

/** The refusal of a file that is no CRL, for this cause. */
export function noCrl(name: string, cause: unknown): Refusal {
  const why = cause instanceof Error ? cause.message : "a fault";
  return new Refusal("USAGE", `${shown(name)} is no CRL that can be used: ${why}`, {
    expected: "a complete CRL of version 2, as DER or PEM",
    about: name,
    cause,
  });
}
