/**
 * Revocation by CRLs and OCSP responses that the verifier was given: each certificate of a path but its root. A claimed time is no proof of when
 * something was signed, so that what is revoked does not count, whatever date stands there, unless it is proven to have existed before that date (ETSI EN
 * 319 102-1 5.6.2.4).
 */

import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { crlAnswers } from "./crl-answers.ts";
import { type CheckDelegate, ocspAnswers } from "./ocsp-answers.ts";
import type { Authority } from "./ocsp-responder.ts";
import { answersUntil, type Heard, knowsOf } from "./revocation-answer.ts";

export interface RevocationWanted {
  /** DER */
  readonly crls: readonly Uint8Array[];
  /** DER */
  readonly ocsp: readonly Uint8Array[];
  /** when the certificates were used, as claimed */
  readonly claimed: Utc;
  /** by when what they signed is proven to have existed; undefined: nothing is proven */
  readonly proven?: Utc | undefined;
  /** the verifier's own time, where it is known */
  readonly now: Utc | undefined;
  readonly minimumRsaBits: number;
}

/**
 * Gives the last claimed time that the lists and responses answer for. Refuses PATH-REVOKED where any says so; REVOCATION where a certificate has none by its issuer's word, or none that is as new as
 * the claimed time or still counted then, and knows of it; PATH-FORM, PATH-CRITICAL, CMS-ALGORITHM one that cannot be read.
 */
export async function checkRevocation(
  host: Host,
  path: readonly Certificate[],
  wanted: RevocationWanted,
): Promise<Utc> {
  const limits: Utc[] = [];
  for (const [at, certificate] of path.slice(0, -1).entries()) {
    limits.push(limitOf(await hear(host, certificate, issuersOf(path, at), wanted), certificate, wanted));
  }
  return limits.sort()[0] ?? wanted.claimed;
}

/**
 * As `checkRevocation`, but what nothing was given of by its issuer is passed over: gives the names of those issuers, each once, in the
 * path's order. A list of that name, or a response that names the certificate, must answer for it.
 */
export async function checkWhereAnswered(
  host: Host,
  path: readonly Certificate[],
  wanted: RevocationWanted,
): Promise<readonly string[]> {
  const silent = new Set<string>();
  for (const [at, certificate] of path.slice(0, -1).entries()) {
    const heard = await hear(host, certificate, issuersOf(path, at), wanted);
    if (heard.length === 0) silent.add(certificate.issuerText);
    else limitOf(heard, certificate, wanted);
  }
  return [...silent];
}

/** A certificate that was revoked, and since when. */
export interface Revoked {
  readonly subject: string;
  readonly since: Utc;
}

/** What of a path is revoked, whenever that was: to be told where `checkRevocation` let it stand. */
export async function revokedIn(
  host: Host,
  path: readonly Certificate[],
  wanted: RevocationWanted,
): Promise<readonly Revoked[]> {
  const found: Revoked[] = [];
  for (const [at, certificate] of path.slice(0, -1).entries()) {
    const heard = await hear(host, certificate, issuersOf(path, at), wanted);
    const since = heard.flatMap((one) => ("revoked" in one && one.revoked !== undefined ? [one.revoked] : [])).sort();
    if (since[0] !== undefined) found.push({ subject: certificate.subjectText, since: since[0] });
  }
  return found;
}

/** What lists and what responses say of the first certificate of a path, or why they say nothing. Refuses PATH-FORM, PATH-CRITICAL, CMS-ALGORITHM one that cannot be read. */
export async function answersOf(
  host: Host,
  path: readonly [Certificate, ...Certificate[]],
  wanted: RevocationWanted,
): Promise<{ readonly crls: readonly Heard[]; readonly ocsp: readonly Heard[] }> {
  const issuers = issuersOf(path, 0);
  const crls = await hear(host, path[0], issuers, { ...wanted, ocsp: [] });
  const all = await hear(host, path[0], issuers, wanted);
  return { crls, ocsp: all.slice(crls.length) };
}

function issuersOf(path: readonly Certificate[], at: number): Authority["issuers"] {
  return path.slice(at + 1) as [Certificate, ...Certificate[]];
}

async function hear(
  host: Host,
  certificate: Certificate,
  issuers: Authority["issuers"],
  wanted: RevocationWanted,
): Promise<readonly Heard[]> {
  const { crls, minimumRsaBits, ocsp } = wanted;
  const byIssuer = async (one: Certificate, checkDelegate: CheckDelegate | undefined) => [
    ...(await crlAnswers(host, crls, one, { issuer: issuers[0], minimumRsaBits })),
    ...(await ocspAnswers(host, ocsp, one, { issuers, minimumRsaBits, checkDelegate })),
  ];
  return byIssuer(certificate, async (delegate, producedAt) => {
    const asked = { ...wanted, claimed: producedAt, proven: undefined };
    checkDelegateStands(await byIssuer(delegate, undefined), delegate, asked);
  });
}

/** A delegate that is revoked answers nothing; one whose issuer does not ask that it be trusted for its lifetime (ocsp-nocheck) must be known not to be. */
function checkDelegateStands(heard: readonly Heard[], delegate: Certificate, wanted: RevocationWanted): void {
  if (heard.some((one) => "revoked" in one && one.revoked !== undefined)) {
    throw new Refusal("PATH-REVOKED", "an OCSP response by a responder whose certificate is revoked");
  }
  if (delegate.ocspNoCheck) return;
  try {
    limitOf(heard, delegate, wanted);
  } catch (cause) {
    throw new Refusal("REVOCATION", "an OCSP response by a responder of whom nothing says that it is not revoked", {
      cause,
    });
  }
}

/** The last time that one of them answers for. Refuses PATH-REVOKED, REVOCATION. */
function limitOf(
  heard: readonly Heard[],
  { issuerText, notAfter, subjectText: about }: Certificate,
  { claimed, now, proven }: RevocationWanted,
): Utc {
  let limit: Utc | undefined;
  let why = "none";
  for (const one of heard) {
    if ("not" in one) {
      why = one.not;
    } else if (one.revoked !== undefined && proven !== undefined && proven < one.revoked) {
      if (limit === undefined || one.revoked > limit) limit = one.revoked;
    } else if (one.revoked !== undefined) {
      const got = proven === undefined ? `revoked ${one.revoked}` : `revoked ${one.revoked}, proven by ${proven}`;
      throw new Refusal("PATH-REVOKED", "a certificate is revoked by its issuer", { about, got });
    } else if (now !== undefined && one.madeAt > now) {
      why = `one that claims to be of ${one.madeAt}, which is still to come`;
    } else if (!knowsOf(one, notAfter)) {
      why = `one of ${one.thisUpdate}, after the certificate had ended, which may not name it any more`;
    } else if (limit === undefined || answersUntil(one) > limit) {
      limit = answersUntil(one);
    }
  }
  if (limit !== undefined && limit >= claimed) return limit;
  const [what, got] =
    limit === undefined
      ? ["no list says whether a certificate is revoked", why]
      : ["the list is older than what it should answer for", `one that answers until ${limit}`];
  const expected = `a CRL or OCSP response by the word of ${issuerText}, of ${claimed} or later or still counted then`;
  throw new Refusal("REVOCATION", what, { expected, got, about });
}
