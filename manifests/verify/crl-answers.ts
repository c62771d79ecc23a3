/** What CRLs say of a certificate (RFC 5280 6.3, for complete lists), by the key that issued it. */

import { checkSignature } from "../cms/signature.ts";
import { equal, hex } from "../encoding/bytes.ts";
import { keptFor } from "../encoding/kept.ts";
import type { Host } from "../host.ts";
import type { Certificate } from "../x509/certificate.ts";
import { type Crl, readCrl } from "../x509/crl.ts";
import type { Heard } from "./revocation-answer.ts";

/** Of each list (DER) that bears the name of the certificate's issuer. Refuses PATH-FORM, PATH-CRITICAL, CMS-ALGORITHM a list that cannot be read. */
export async function crlAnswers(
  host: Host,
  crls: readonly Uint8Array[],
  { issuer: name, serial }: Certificate,
  { issuer, minimumRsaBits }: { readonly issuer: Certificate; readonly minimumRsaBits: number },
): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  for (const crl of crls.map(parsed).filter((one) => equal(one.issuer, name))) {
    const { endedSince, nextUpdate, revoked, thisUpdate } = crl;
    heard.push(
      (await isSigned(host, crl, issuer, minimumRsaBits))
        ? { revoked: revoked.get(hex(serial)), thisUpdate, nextUpdate, madeAt: thisUpdate, endedSince }
        : { not: "a CRL of that name whose signature does not hold" },
    );
  }
  return heard;
}

/** By the key that issued the certificate, which may sign lists. */
function isSigned(host: Host, crl: Crl, issuer: Certificate, minimumRsaBits: number): Promise<boolean> {
  if (!issuer.keyUsage?.includes("cRLSign")) return Promise.resolve(false);
  const key = hex(issuer.spki);
  const known = signed.get(crl) ?? new Map<string, Promise<boolean>>();
  signed.set(crl, known);
  const found = known.get(key);
  if (found) return found;
  const { signature, signatureSuite: suite, tbs: message } = crl;
  const holds = checkSignature(host, { suite, spki: issuer.spki, message, signature, minimumRsaBits }).then(
    () => true,
    () => false,
  );
  known.set(key, holds);
  return holds;
}

/** Lists are read, and their signatures checked, once for all certificates of a bundle. */
const signed = new WeakMap<Crl, Map<string, Promise<boolean>>>();
const parsed = keptFor(readCrl);
