/** What a verifier trusts before it reads anything, and the paths that follow from it. */

import type { DeviceRecord } from "../attest/device-record.ts";
import { equal } from "../encoding/bytes.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import type { LogTrust } from "../log/checkpoint.ts";
import type { Policy } from "../records/policy.ts";
import { Refusal } from "../refusal.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { validatePath } from "../x509/path.ts";
import type { RevocationWord } from "./indication.ts";
import { checkRevocation, checkWhereAnswered, type RevocationWanted, type Revoked, revokedIn } from "./revocation.ts";

export interface Trust {
  /** pinned root certificates, DER */
  readonly roots: readonly Uint8Array[];
  /** SHA-256 of the genesis policy's content, hex, as printed at genesis */
  readonly genesis?: string;
  /** the verifier's own time: claims of later times, beyond the box's claimed error, are refused */
  readonly at?: Utc;
  /** arc of the organisation's OIDs where no policy says it (a seal alone); the documentation arc unless said */
  readonly arc?: string;
  /** CRLs, DER: where these or responses are given every certificate of the box's paths below its root must be answered for, and one of a submitter's where its issuer is among them. Without them revocation is the policy's alone */
  readonly crls?: readonly Uint8Array[];
  /** roots of time-stamp authorities, DER: without them no time-stamp counts */
  readonly authorities?: readonly Uint8Array[];
  /** OCSP responses, DER */
  readonly ocsp?: readonly Uint8Array[];
  /** closing records of emergencies, as their files hold them; one that lies in a bundle is found there */
  readonly closings?: readonly Uint8Array[];
  /** a ledger's log, and its witnesses: without it no proof of a log counts */
  readonly log?: LogTrust;
  /** which TPM the box has: without it nothing binds a quote's key to a device */
  readonly device?: DeviceRecord;
  /** by when what is verified existed, by evidence that counts: what was revoked later takes nothing from it. Whoever verifies a bundle or a seal finds it there, and need not say it */
  readonly proven?: Utc;
}

/** What revocation is judged by, beside the policy's own list. */
export function revocationWord({ crls, ocsp }: Revoking): Exclude<RevocationWord, `${string} in the ${string}`> {
  if (crls === undefined) return ocsp === undefined ? "none" : "OCSP responses";
  return ocsp === undefined ? "CRLs" : "CRLs and OCSP responses";
}

/** Key strength where no policy says more. */
export const leastRsaBits = 2048;

/**
 * The path of a certificate of the box to a pinned root at a claimed time; every certificate given must belong to it and be
 * below the root, which comes from elsewhere. Refuses PATH-*, CMS-CERTIFICATE, REVOCATION.
 */
export async function boxPath(
  host: Host,
  trust: Trust,
  wanted: {
    readonly leaf: Uint8Array;
    readonly certificates: readonly Uint8Array[];
    readonly at: Utc;
    readonly extendedKeyUsage: string;
    readonly policy: Policy | undefined;
  },
): Promise<readonly Certificate[]> {
  const path = await validatePath(host, {
    leaf: wanted.leaf,
    intermediates: wanted.certificates,
    roots: trust.roots,
    at: wanted.at,
    revoked: new Set(wanted.policy?.revoked),
    extendedKeyUsage: wanted.extendedKeyUsage,
    minimumRsaBits: wanted.policy?.limits.minimumRsaBits ?? leastRsaBits,
  });
  const below = path.slice(0, -1);
  if (!wanted.certificates.every((der) => below.some((one) => equal(one.der, der)))) {
    throw new Refusal("CMS-CERTIFICATE", "a certificate stands here that is not in the signer's path below the root");
  }
  await answeredUntil(host, trust, path, wanted.at);
  return path;
}

/** Up to which claimed time the verifier's lists and responses answer for a path that was claimed at a time; none where there are none. Refuses as `checkRevocation`. */
export async function answeredUntil(
  host: Host,
  trust: Trust,
  path: readonly Certificate[],
  claimed: Utc,
): Promise<Utc | undefined> {
  if (revocationWord(trust) === "none") return undefined;
  return checkRevocation(host, path, revocationWanted(trust, claimed));
}

/** What came of looking up paths that are not the box's own. */
export interface LookedUp {
  /** issuers of whom the verifier was given nothing */
  readonly unanswered: readonly string[];
  /** certificates that were revoked, but only after what they signed is proven to have existed */
  readonly revokedLater: readonly Revoked[];
}

/**
 * Looks paths up that are not the box's own (a submitter's, a time-stamp authority's), as far as the verifier was given lists or responses of their
 * issuers; undefined where it was given none of anybody. Refuses as `checkWhereAnswered`.
 */
export async function lookUpOthers(
  host: Host,
  trust: Revoking,
  paths: readonly (readonly Certificate[])[],
  claimed: Utc,
): Promise<LookedUp | undefined> {
  if (revocationWord(trust) === "none") return undefined;
  const wanted = revocationWanted(trust, claimed);
  const silent = new Set<string>();
  const revoked = new Map<string, Revoked>();
  for (const path of paths) {
    for (const name of await checkWhereAnswered(host, path, wanted)) silent.add(name);
    // Without proof of an earlier time nothing that is revoked came so far.
    if (trust.proven === undefined) continue;
    for (const one of await revokedIn(host, path, wanted)) revoked.set(one.subject, one);
  }
  return { unanswered: [...silent], revokedLater: [...revoked.values()] };
}

/** What of the box's chains (DER, without their roots) is revoked although it stands: since all of it existed before. */
export async function revokedLater(
  host: Host,
  trust: Trust,
  chains: readonly (readonly Uint8Array[])[],
): Promise<readonly Revoked[]> {
  if (trust.proven === undefined || revocationWord(trust) === "none") return [];
  const roots = trust.roots.map(readCertificate);
  const found = new Map<string, Revoked>();
  for (const chain of chains) {
    const below = chain.map(readCertificate);
    const path = [...below, ...roots.filter((root) => equal(root.subject, below.at(-1)?.issuer ?? root.tbs))];
    for (const one of await revokedIn(host, path, revocationWanted(trust, trust.proven))) found.set(one.subject, one);
  }
  return [...found.values()];
}

/** Of what is trusted, what revocation is judged by. */
interface Revoking {
  readonly at?: Utc | undefined;
  readonly crls?: readonly Uint8Array[] | undefined;
  readonly ocsp?: readonly Uint8Array[] | undefined;
  readonly proven?: Utc | undefined;
}

function revocationWanted({ at, crls, ocsp, proven }: Revoking, claimed: Utc): RevocationWanted {
  return { crls: crls ?? [], ocsp: ocsp ?? [], claimed, proven, now: at, minimumRsaBits: leastRsaBits };
}

/** Refuses with CLOCK a claimed time that lies after the verifier's, by more than the error that the box claims. */
export function checkNotLater(trust: Trust, claimed: Utc, errorSeconds: number): void {
  if (trust.at === undefined || Date.parse(claimed) <= Date.parse(trust.at) + errorSeconds * 1000) return;
  throw new Refusal("CLOCK", "the claimed time lies in the future", { expected: `up to ${trust.at}`, got: claimed });
}
