/**
 * Time-stamp tokens (RFC 3161 2.4.2, RFC 5816): a SignedData over a TSTInfo. A token counts only with everything that others leave out:
 * exactly one signer, its certificate named by signing-certificate-v2, for time-stamping alone and critically so (RFC 3161 2.3), a path to a root.
 */

import { readSignedData, type SignedDataLimits } from "../cms/read.ts";
import type { SignerInfo } from "../cms/signer-info.ts";
import { checkSigner } from "../cms/verify.ts";
import { equal } from "../encoding/bytes.ts";
import { DerReader, tag, whole } from "../encoding/der-read.ts";
import { explicit, sequence, setOf } from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { validatePath } from "../x509/path.ts";
import { asTimeForm, type MessageImprint, readTstInfo, type TstInfo } from "./tst-info.ts";

export interface TimeStamp {
  readonly info: TstInfo;
  /** the authority's, which signed this token */
  readonly certificate: Certificate;
  /** DER, all that stand in the token */
  readonly certificates: readonly Uint8Array[];
}

export interface TimeTrust {
  /** root certificates of time-stamp authorities, DER */
  readonly roots: readonly Uint8Array[];
  /** when it is looked at: the path must hold then, too. Later evidence over the token, or else the verifier's own time; unknown: at its own time only */
  readonly seen: Utc | undefined;
}

/** Most bytes of a token. */
export const tokenLimit = 64 * 1024;

const limits: SignedDataLimits = { certificates: 16, signers: 1, tail: tokenLimit, certificateOrder: "any" };

/**
 * The token in `der`, whose signature holds, over this digest; says nothing of a path. Refuses TIME-FORM, TIME-IMPRINT when it is over something else,
 * TIME-TSA when its certificate is not for time-stamping alone, CMS-*, PATH-FORM, PATH-KEY.
 */
export async function checkToken(
  host: Host,
  der: Uint8Array,
  imprint: (hash: MessageImprint["hash"]) => Promise<Uint8Array>,
): Promise<TimeStamp> {
  const { certificates, content, info, signer } = readToken(der);
  const { certificate } = await checkSigner(host, signer, {
    certificates,
    eContentType: oid.tstInfo,
    contentDigest: (hash) => host.digest(hash, content),
    by: "others",
  });
  checkAuthority(certificate, info);
  if (!equal(await imprint(info.imprint.hash), info.imprint.digest)) {
    throw new Refusal("TIME-IMPRINT", "the time-stamp is over something else");
  }
  return { info, certificate, certificates };
}

/** What a token says; nothing of it is checked. Refuses TIME-FORM, CMS-*. */
export function infoIn(der: Uint8Array): TstInfo {
  return readToken(der).info;
}

/** The authority's SignerInfo; nothing of it is checked. Refuses TIME-FORM, CMS-*. */
export function signerIn(der: Uint8Array): SignerInfo {
  return readToken(der).signer;
}

/** The token with another SignerInfo in the place of its own, which is to differ in unsigned attributes alone; every other byte stays. Refuses TIME-FORM, CMS-*. */
export function withSigner(der: Uint8Array, signer: Uint8Array): Uint8Array {
  readToken(der);
  const info = DerReader.open(der, tag.sequence, form);
  const type = whole(der, info.read(tag.oid));
  const signed = info.enter(0xa0).enter(tag.sequence);
  const parts = signed.rest(6).map((one) => whole(der, one));
  return sequence(type, explicit(0, sequence(...parts.slice(0, -1), setOf(signer))));
}

const form = "TIME-FORM";

function readToken(der: Uint8Array) {
  if (der.length > tokenLimit) throw new Refusal("TIME-FORM", `a token of more than ${tokenLimit} bytes`);
  const { certificates, content, eContentType, signers } = asTimeForm("a token", () => readSignedData(der, limits));
  const [signer] = signers;
  if (eContentType !== oid.tstInfo || content === undefined || signer === undefined) {
    throw new Refusal("TIME-FORM", "not a time-stamp token", { expected: oid.tstInfo, got: eContentType });
  }
  return { certificates, content, info: readTstInfo(content), signer };
}

/** RFC 3161 2.3: for nothing else, and critically so; and who the token says has stamped it. */
function checkAuthority({ criticalOids, extendedKeyUsage, subject, subjectText: about }: Certificate, info: TstInfo) {
  const [only, other] = extendedKeyUsage;
  if (only !== oid.timeStamping || other !== undefined || !criticalOids.includes(oid.extendedKeyUsage)) {
    throw new Refusal("TIME-TSA", "the certificate is not for time-stamping alone", {
      expected: "the extended key usage timeStamping, critical and nothing beside it",
      got: extendedKeyUsage.length === 0 ? "none" : extendedKeyUsage.join(", "),
      about,
    });
  }
  if (info.authority !== undefined && !equal(info.authority, subject)) {
    throw new Refusal("TIME-TSA", "the token names another authority than its certificate", { about });
  }
}

/** The path of a token's authority to a root, at the token's time and when it is looked at. Refuses PATH-*. */
export async function authorityPath(
  host: Host,
  { certificate, certificates, info }: TimeStamp,
  { roots, seen }: TimeTrust,
): Promise<readonly Certificate[]> {
  const wanted = {
    leaf: certificate.der,
    intermediates: certificates,
    roots,
    revoked: new Set<string>(),
    extendedKeyUsage: oid.timeStamping,
    minimumRsaBits: 2048,
  };
  const path = await validatePath(host, { ...wanted, at: info.time });
  if (seen === undefined || seen <= info.time) return path;
  return validatePath(host, { ...wanted, at: seen });
}
