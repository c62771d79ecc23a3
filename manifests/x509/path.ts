/**
 * Certification paths (RFC 5280 6.1) from a leaf to pinned roots: a walk of our own over certificates that the strict
 * reader has accepted, with what Coldseal asks beyond the RFC. pkijs 3.4.3 was tried in its place: it passes over unknown critical extensions
 * and path lengths, and two CAs that issued each other make it take all memory.
 */

import { checkSignature } from "../cms/signature.ts";
import { compare, equal, hex } from "../encoding/bytes.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { asRefusal, Refusal } from "../refusal.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { checkCertificatePolicies, type PolicyInputs } from "./certificate-policies.ts";
import { subjectAltName } from "./extensions.ts";
import { checkStrength, readPublicKey } from "./key.ts";
import { checkNameConstraints } from "./name-constraints.ts";

export interface PathWanted {
  readonly leaf: Uint8Array;
  /** in any order; the leaf and roots among them are passed over */
  readonly intermediates: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  readonly at: Utc;
  /** hex SHA-256 of certificates that no path may hold */
  readonly revoked: ReadonlySet<string>;
  /** the extended key usage that the leaf must name */
  readonly extendedKeyUsage: string;
  readonly minimumRsaBits: number;
  /** which certificate policies are accepted; any, and none need be, unless said */
  readonly policies?: PolicyInputs;
}

/**
 * The first path that holds, leaf first, root last. Refuses PATH-FORM, PATH-ROOT (no path to a root, a signature in it
 * that does not hold, a leaf that is a root or issued by itself), PATH-TIME, PATH-REVOKED, PATH-USAGE, PATH-CRITICAL,
 * PATH-CONSTRAINT, PATH-KEY, CMS-ALGORITHM. When several paths fail, the first that reached furthest says why.
 */
export async function validatePath(host: Host, wanted: PathWanted): Promise<readonly Certificate[]> {
  const leaf = readCertificate(wanted.leaf);
  const roots = distinct(wanted.roots, []).map(readCertificate);
  if (wanted.roots.some((root) => equal(root, wanted.leaf)) || equal(leaf.issuer, leaf.subject)) {
    throw new Refusal("PATH-ROOT", "a certificate that issued itself may not sign here", { about: leaf.subjectText });
  }
  await checkOne(host, leaf, wanted);
  checkLeafUsage(leaf, wanted.extendedKeyUsage);
  const intermediates = distinct(wanted.intermediates, [wanted.leaf, ...wanted.roots]);
  if (intermediates.length > 16) throw new Refusal("PATH-FORM", "more than 16 intermediate certificates");
  return new Walk(host, wanted, roots, intermediates.map(readCertificate)).from(leaf);
}

/** Signature checks that one search may cost, and certificates that a path may have. */
const signatureBudget = 32;
const longest = 8;

const understood: ReadonlySet<string> = new Set([
  oid.keyUsage,
  oid.basicConstraints,
  oid.nameConstraints,
  oid.extendedKeyUsage,
  oid.certificatePolicies,
  oid.policyMappings,
  oid.policyConstraints,
  oid.inhibitAnyPolicy,
  subjectAltName,
]);

const anyExtendedKeyUsage = "2.5.29.37.0";

class Walk {
  readonly #host: Host;
  readonly #wanted: PathWanted;
  readonly #roots: readonly Certificate[];
  readonly #intermediates: readonly Certificate[];
  #budget = signatureBudget;
  #failure: Refusal | undefined;

  constructor(host: Host, wanted: PathWanted, roots: readonly Certificate[], intermediates: readonly Certificate[]) {
    this.#host = host;
    this.#wanted = wanted;
    this.#roots = roots;
    this.#intermediates = intermediates;
  }

  async from(leaf: Certificate): Promise<readonly Certificate[]> {
    const path = await this.#extend([leaf]);
    if (path) return path;
    throw this.#failure ?? new Refusal("PATH-ROOT", "no path to a pinned root", { got: leaf.issuerText });
  }

  /** Depth first; roots before intermediates; no certificate or key with its name twice in a path. */
  async #extend(path: readonly Certificate[]): Promise<readonly Certificate[] | undefined> {
    for (const root of this.#roots) {
      const whole = await this.#step(path, root);
      if (whole && (await this.#holds(whole))) return whole;
    }
    if (path.length + 1 >= longest) return undefined;
    for (const candidate of this.#intermediates) {
      if (path.some((one) => equal(one.subject, candidate.subject) && equal(one.spki, candidate.spki))) continue;
      const longer = await this.#step(path, candidate);
      const whole = longer && (await this.#extend(longer));
      if (whole) return whole;
    }
    return undefined;
  }

  /** The path with its issuer added, if that is the issuer by name, key identifier and signature. */
  async #step(path: readonly Certificate[], issuer: Certificate): Promise<readonly Certificate[] | undefined> {
    const last = path.at(-1) as Certificate;
    if (!equal(last.issuer, issuer.subject) || !keyIdentifiersFit(last, issuer)) return undefined;
    if (this.#budget-- <= 0) throw new Refusal("PATH-FORM", "too many certificates to choose from");
    const { signatureSuite: suite, tbs: message, signature } = last;
    const { minimumRsaBits } = this.#wanted;
    try {
      await checkSignature(this.#host, { suite, spki: issuer.spki, message, signature, minimumRsaBits });
    } catch (thrown) {
      this.#note(signatureFailure(thrown, last));
      return undefined;
    }
    return [...path, issuer];
  }

  async #holds(path: readonly Certificate[]): Promise<boolean> {
    try {
      for (const issuer of path.slice(1)) {
        await checkOne(this.#host, issuer, this.#wanted);
        checkIssuer(issuer, this.#wanted.extendedKeyUsage);
      }
      checkPathLengths(path);
      checkAllNameConstraints(path);
      checkCertificatePolicies(path, this.#wanted.policies);
      return true;
    } catch (thrown) {
      this.#note(asRefusal(thrown, "PATH-FORM", "a path could not be checked"));
      return false;
    }
  }

  /** Keeps the first failure, but a complete path's rather than a step's that did not fit. */
  #note(failure: Refusal): void {
    if (this.#failure === undefined || (this.#failure.code === "PATH-ROOT" && failure.code !== "PATH-ROOT")) {
      this.#failure = failure;
    }
  }
}

/** What every certificate of a path must be, the root too. */
async function checkOne(host: Host, certificate: Certificate, wanted: PathWanted): Promise<void> {
  const about = certificate.subjectText;
  if (wanted.revoked.has(hex(await host.digest("sha256", certificate.der)))) {
    throw new Refusal("PATH-REVOKED", "a certificate is revoked", { about });
  }
  if (wanted.at < certificate.notBefore || wanted.at > certificate.notAfter) {
    const expected = `${certificate.notBefore} to ${certificate.notAfter}`;
    throw new Refusal("PATH-TIME", "a certificate is not valid at this time", { about, expected, got: wanted.at });
  }
  const unknown = certificate.criticalOids.find((id) => !understood.has(id));
  if (unknown) throw new Refusal("PATH-CRITICAL", "a critical extension is not understood", { about, got: unknown });
  checkStrength(readPublicKey(certificate.spki), wanted.minimumRsaBits);
}

/** No CA; may sign; names the wanted extended key usage itself (anyExtendedKeyUsage does not count). */
function checkLeafUsage(leaf: Certificate, extendedKeyUsage: string): void {
  const about = leaf.subjectText;
  if (leaf.isCa) throw new Refusal("PATH-USAGE", "a CA may not sign here", { about });
  const usage = leaf.keyUsage ?? [];
  if (!usage.includes("digitalSignature") && !usage.includes("nonRepudiation")) {
    throw new Refusal("PATH-USAGE", "the key usage does not allow signatures", { about });
  }
  if (usage.includes("keyCertSign") || usage.includes("cRLSign")) {
    throw new Refusal("PATH-USAGE", "the key usage is a CA's", { about });
  }
  if (!leaf.extendedKeyUsage.includes(extendedKeyUsage)) {
    throw new Refusal("PATH-USAGE", "the extended key usage is missing", { about, expected: extendedKeyUsage });
  }
}

/**
 * RFC 5280 6.1.4 k and n, key usage required; an issuer's extended key usage, where it has one, must allow the leaf's. Every issuer of a path is held against this, its root too.
 * Refuses PATH-CONSTRAINT, PATH-USAGE.
 */
export function checkIssuer(issuer: Certificate, extendedKeyUsage: string): void {
  const about = issuer.subjectText;
  if (!issuer.isCa) throw new Refusal("PATH-CONSTRAINT", "an issuer is not a CA", { about });
  if (!issuer.keyUsage?.includes("keyCertSign")) {
    throw new Refusal("PATH-CONSTRAINT", "an issuer's key usage does not allow certificates", { about });
  }
  const allowed = issuer.extendedKeyUsage;
  if (allowed.length > 0 && !allowed.includes(extendedKeyUsage) && !allowed.includes(anyExtendedKeyUsage)) {
    throw new Refusal("PATH-USAGE", "an issuer may not issue for this extended key usage", { about });
  }
}

/** RFC 5280 4.2.1.9, 6.1.4 l and m: intermediates that did not issue themselves count. */
function checkPathLengths(path: readonly Certificate[]): void {
  let below = 0;
  for (const issuer of path.slice(1)) {
    if (issuer.pathLength !== undefined && below > issuer.pathLength) {
      throw new Refusal("PATH-CONSTRAINT", "a path is longer than an issuer allows", { about: issuer.subjectText });
    }
    if (!equal(issuer.subject, issuer.issuer)) below += 1;
  }
}

/** Each issuer's constraints bind everything below it; a certificate that issued itself is passed over (RFC 5280 6.1.3 b). */
function checkAllNameConstraints(path: readonly Certificate[]): void {
  path.forEach((issuer, index) => {
    const constraints = issuer.nameConstraints;
    if (!constraints) return;
    path.slice(0, index).forEach((below, position) => {
      if (position === 0 || !equal(below.subject, below.issuer)) checkNameConstraints(constraints, below);
    });
  });
}

/** Identifiers only narrow the choice where both are there (RFC 5280 4.2.1.1). */
function keyIdentifiersFit(certificate: Certificate, issuer: Certificate): boolean {
  const { authorityKeyIdentifier: wanted } = certificate;
  const { subjectKeyIdentifier: got } = issuer;
  return wanted === undefined || got === undefined || equal(wanted, got);
}

function signatureFailure(thrown: unknown, certificate: Certificate): Refusal {
  const refusal = asRefusal(thrown, "PATH-ROOT", "a certificate's signature could not be checked");
  if (refusal.code !== "CMS-SIGNATURE") return refusal;
  const about = certificate.subjectText;
  return new Refusal("PATH-ROOT", "a certificate was not signed by the issuer that it names", {
    about,
    cause: refusal,
  });
}

function distinct(certificates: readonly Uint8Array[], without: readonly Uint8Array[]): readonly Uint8Array[] {
  const sorted = [...certificates].sort(compare);
  return sorted.filter(
    (one, index) =>
      (index === 0 || !equal(one, sorted[index - 1] as Uint8Array)) && !without.some((other) => equal(one, other)),
  );
}
