/** What says whether certificates are revoked, in the files in which people hand it to a verifier. */

import { fromBase64 } from "../encoding/bytes.ts";
import { pemBlocks } from "../encoding/pem.ts";
import { shown } from "../records/names.ts";
import { inOneLine, Refusal } from "../refusal.ts";
import { readCrl } from "../x509/crl.ts";
import { readOcsp } from "../x509/ocsp.ts";

/** What such files have to be, in words. */
export const crlForm = "a complete CRL of version 2, as DER or PEM";
export const ocspForm = "a basic OCSP response that is successful, as DER";

/** The DER of the one CRL that a file holds, as DER or PEM. Refuses USAGE what is no CRL that can be read, and several. */
export function crlFrom(bytes: Uint8Array, name: string): Uint8Array {
  try {
    const [pem, second] = pemBlocks(bytes, "X509 CRL");
    if (second !== undefined) throw severalIn(name);
    const der = pem === undefined ? bytes : fromBase64(pem);
    readCrl(der);
    return der;
  } catch (cause) {
    throw cause instanceof Refusal && cause.code === "USAGE" ? cause : unusable(name, ["CRL", crlForm], cause);
  }
}

/** The one OCSP response that a file holds, as DER, as responders give it. Refuses USAGE what is none that can be read. */
export function ocspFrom(bytes: Uint8Array, name: string): Uint8Array {
  try {
    readOcsp(bytes);
    return bytes;
  } catch (cause) {
    throw unusable(name, ["OCSP response", ocspForm], cause);
  }
}

function unusable(name: string, [what, expected]: readonly [string, string], cause: unknown): Refusal {
  return new Refusal("USAGE", `${shown(name)} is no ${what} that can be used`, {
    expected,
    got: `something else (${cause instanceof Refusal ? inOneLine(cause.toRecord()) : faultOf(cause)})`,
    about: name,
    cause,
  });
}

function severalIn(name: string): Refusal {
  const detail = { expected: crlForm, got: "it holds several: give each in a file of its own", about: name };
  return new Refusal("USAGE", `${shown(name)} is not one CRL`, detail);
}

function faultOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : "a fault";
}
