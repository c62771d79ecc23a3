/** What OCSP responses say of a certificate (RFC 6960 3.2), by its issuer's word or a delegate's. */

import { equal } from "../encoding/bytes.ts";
import { keptFor } from "../encoding/kept.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { asRefusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { publicKeyBits } from "../x509/key.ts";
import { type CertificateId, type OcspAnswer, type OcspResponse, readOcsp } from "../x509/ocsp.ts";
import { type Authority, checkResponder } from "./ocsp-responder.ts";
import type { Heard } from "./revocation-answer.ts";

/** Looks whether a delegate is revoked, by the issuer's own word, at the time that its response was produced; throws where it may not answer. */
export type CheckDelegate = (delegate: Certificate, producedAt: Utc) => Promise<void>;

/**
 * Of each response (DER) that names the certificate. `checkDelegate`: undefined where delegates do not count. Refuses PATH-FORM,
 * PATH-CRITICAL, CMS-ALGORITHM a response that cannot be read.
 */
export async function ocspAnswers(
  host: Host,
  responses: readonly Uint8Array[],
  { serial }: Certificate,
  authority: Authority & { readonly checkDelegate: CheckDelegate | undefined },
): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  const [issuer] = authority.issuers;
  for (const response of responses.map(parsed)) {
    for (const answer of response.answers) {
      const { certificate } = answer;
      if (!equal(certificate.serial, serial) || !(await isOf(host, certificate, issuer))) continue;
      heard.push(await hear(host, response, answer, authority));
    }
  }
  return heard;
}

async function hear(
  host: Host,
  response: OcspResponse,
  { endedSince, nextUpdate, status, thisUpdate }: OcspAnswer,
  { checkDelegate, ...authority }: Parameters<typeof ocspAnswers>[3],
): Promise<Heard> {
  const { producedAt } = response;
  try {
    const delegate = await checkResponder(host, response, authority);
    if (delegate && !checkDelegate)
      return { not: "an OCSP response by a delegate, where only the issuer's word counts" };
    if (delegate) await checkDelegate?.(delegate, producedAt);
  } catch (thrown) {
    return { not: asRefusal(thrown, "INTERNAL", "an OCSP response that could not be checked").message };
  }
  if (status.kind === "unknown") return { not: "an OCSP response that does not know it" };
  const revoked = status.kind === "revoked" ? status.since : undefined;
  return { revoked, thisUpdate, nextUpdate, madeAt: producedAt > thisUpdate ? producedAt : thisUpdate, endedSince };
}

async function isOf(host: Host, { hash, issuerKey, issuerName }: CertificateId, issuer: Certificate): Promise<boolean> {
  const digest = (bytes: Uint8Array) => (hash === "sha1" ? host.sha1(bytes) : host.digest(hash, bytes));
  return equal(issuerName, await digest(issuer.subject)) && equal(issuerKey, await digest(publicKeyBits(issuer.spki)));
}

/** Responses are read once for all certificates of a bundle. */
const parsed = keptFor(readOcsp);
