/**
 * Revocation by lists that the verifier was given (RFC 5280 6.3, for complete lists): each certificate of a path but its root. A claimed time
 * is no proof of when something was signed, so that what is on a list does not count, whatever date stands there.
 */

import { checkSignature } from "../cms/signature.ts";
import { equal, hex } from "../encoding/bytes.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { type Crl, readCrl } from "../x509/crl.ts";

export interface RevocationWanted {
  /** DER */
  readonly crls: readonly Uint8Array[];
  /** when the certificates were used, as claimed */
  readonly claimed: Utc;
  /** the verifier's own time, where it is known */
  readonly now: Utc | undefined;
  readonly minimumRsaBits: number;
}

/**
 * Gives the last claimed time that the lists answer for. Refuses PATH-REVOKED; REVOCATION where a certificate has no list of its issuer whose signature
 * holds, or none that is as new as the claimed time or still counted then; PATH-FORM, PATH-CRITICAL, CMS-ALGORITHM a list that cannot be read.
 */
export async function checkRevocation(
  host: Host,
  path: readonly Certificate[],
  wanted: RevocationWanted,
): Promise<Utc> {
  const limits: Utc[] = [];
  for (const [at, certificate] of path.slice(0, -1).entries()) {
    limits.push(await checkOne(host, certificate, path[at + 1] as Certificate, wanted));
  }
  return limits.sort()[0] ?? wanted.claimed;
}

async function checkOne(
  host: Host,
  { issuer: name, serial, subjectText: about }: Certificate,
  issuer: Certificate,
  { claimed, crls, minimumRsaBits, now }: RevocationWanted,
): Promise<Utc> {
  const ofIssuer = crls.map(parsed).filter((crl) => equal(crl.issuer, name));
  let limit: Utc | undefined;
  for (const crl of ofIssuer) {
    if (!(await isSigned(host, crl, issuer, minimumRsaBits))) continue;
    const date = crl.revoked.get(hex(serial));
    if (date !== undefined) {
      throw new Refusal("PATH-REVOKED", "a certificate is revoked by its issuer", { about, got: `revoked ${date}` });
    }
    if (now !== undefined && crl.thisUpdate > now) continue;
    const until = answersUntil(crl);
    if (limit === undefined || until > limit) limit = until;
  }
  if (limit === undefined) {
    throw new Refusal("REVOCATION", "no list says whether a certificate is revoked", {
      expected: `a CRL of ${issuer.subjectText}, whose signature holds`,
      got: ofIssuer.length === 0 ? "none of that name" : "none that holds",
      about,
    });
  }
  if (limit >= claimed) return limit;
  throw new Refusal("REVOCATION", "the list is older than what it should answer for", {
    expected: `a CRL of ${issuer.subjectText} of ${claimed} or later`,
    got: `one that answers until ${limit}`,
    about,
  });
}

/** It tells of all that was revoked before it was made, and until the next one that was to be. */
function answersUntil({ nextUpdate, thisUpdate }: Crl): Utc {
  return nextUpdate ?? thisUpdate;
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
const read = new WeakMap<Uint8Array, Crl>();

function parsed(der: Uint8Array): Crl {
  const known = read.get(der);
  if (known) return known;
  const crl = readCrl(der);
  read.set(der, crl);
  return crl;
}
