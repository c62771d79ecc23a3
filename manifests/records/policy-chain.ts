/** The chain of policies from genesis to the one in force (T17; docs/formats.md, "policy.p7m"). */

import { readSignedData, type SignedData } from "../cms/read.ts";
import { equal, hex } from "../encoding/bytes.ts";
import { type OwnOids, ownOids } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { verifyAllSigners } from "./authorization.ts";
import { checkEmergencyKey } from "./emergency.ts";
import { checkLedgerKeys } from "./ledger-rules.ts";
import { checkDistinct, checkPersonCertificate, type DigestedSigner, knownSigners } from "./person.ts";
import { excludedRoles, type Policy, readPolicy } from "./policy.ts";
import { checkPolicyRules } from "./policy-rules.ts";

export interface PolicyInForce {
  readonly policy: Policy;
  readonly number: number;
  /** SHA-256 of the policy's content */
  readonly digest: Uint8Array;
  /** SHA-256 of policy number 1's content, hex: what everything is pinned to */
  readonly genesis: string;
  /** numbers of the policies that recovery holders signed in the place of the quorum before (break glass), in order */
  readonly recovered: readonly number[];
}

/**
 * Verifies policy number 1: signed by every operator and officer that it names, and nobody else. With `genesisDigest`
 * (hex) its content must have that SHA-256. Refuses POLICY-CHAIN, POLICY-SIGNERS, DER, CMS-*, JSON, SHAPE, MODE, PERSON-*, PATH-*, LOG-NOTE.
 */
export async function verifyGenesis(
  host: Host,
  oids: OwnOids,
  p7m: Uint8Array,
  genesisDigest?: string,
): Promise<PolicyInForce> {
  const { policy, digest, data } = await readSignedPolicy(host, p7m, oids);
  const genesis = hex(digest);
  if (genesisDigest !== undefined && genesis !== genesisDigest) {
    throw new Refusal("POLICY-CHAIN", "this is not the genesis policy", { expected: genesisDigest, got: genesis });
  }
  if (policy.number !== 1 || policy.previous !== null) {
    throw new Refusal("POLICY-CHAIN", "the first policy has number 1 and no previous one", { got: `${policy.number}` });
  }
  checkPolicyRules(policy);
  await checkLedgerKeys(host, policy);
  const signers = await verifyAllSigners(host, data, policy.limits.minimumRsaBits);
  checkFounders(policy, signers);
  return { policy, number: 1, digest, genesis, recovered: [] };
}

/**
 * Verifies the policy that follows the one in force: its number and digest, appliance and arc kept, another sealing key for another mode, signed by
 * `thresholds.policy` officers of the old and as many as it says itself of the new, and nobody else; or, break glass, by the old one's
 * `thresholds.recovery` recovery holders in the place of its officers. Certificates must be
 * valid when they claim to have signed and, where it is given, at `at`. Refuses as `verifyGenesis` does.
 */
export async function verifyNextPolicy(
  host: Host,
  oids: OwnOids,
  inForce: PolicyInForce,
  p7m: Uint8Array,
  at: Utc | undefined,
): Promise<PolicyInForce> {
  const { policy, digest, data } = await readSignedPolicy(host, p7m, oids);
  checkFollows(inForce, policy);
  checkPolicyRules(policy);
  await checkLedgerKeys(host, policy);
  const minimum = Math.min(policy.limits.minimumRsaBits, inForce.policy.limits.minimumRsaBits);
  const signers = await verifyAllSigners(host, data, minimum);
  const { genesis, recovered } = inForce;
  const broken = checkBothQuorums(inForce.policy, policy, signers, at) === "recovery";
  return {
    policy,
    number: policy.number,
    digest,
    genesis,
    recovered: broken ? [...recovered, policy.number] : recovered,
  };
}

/**
 * Walks all policies, number 1 first, and gives the last. The arc is that of the first. Without a genesis digest the
 * chain only holds in itself. Certificates are judged at the times of signature that they claim. Refuses as `verifyGenesis` does.
 */
export async function walkPolicyChain(
  host: Host,
  p7ms: readonly Uint8Array[],
  genesisDigest: string | undefined,
): Promise<PolicyInForce> {
  return (await policyChain(host, p7ms, genesisDigest)).at(-1) as PolicyInForce;
}

/** As `walkPolicyChain`, and gives each policy as it was in force, at least one. */
export async function policyChain(
  host: Host,
  p7ms: readonly Uint8Array[],
  genesisDigest: string | undefined,
): Promise<readonly PolicyInForce[]> {
  const [first, ...others] = p7ms;
  if (!first) throw new Refusal("POLICY-CHAIN", "there is no policy");
  const oids = ownOids(policyArc(first));
  let inForce = await verifyGenesis(host, oids, first, genesisDigest);
  const all = [inForce];
  for (const p7m of others) {
    inForce = await verifyNextPolicy(host, oids, inForce, p7m, undefined);
    all.push(inForce);
  }
  return all;
}

/** The arc that a signed policy names for itself; nothing is verified. Refuses DER, CMS-*, JSON, SHAPE. */
export function policyArc(p7m: Uint8Array): string {
  return readPolicy(readSignedData(p7m).content ?? new Uint8Array(0)).arc;
}

/** Reads a policy of the arc and its digest; nothing is verified. Refuses DER, CMS-*, JSON, SHAPE, POLICY-CHAIN (another arc). */
export async function readSignedPolicy(
  host: Host,
  p7m: Uint8Array,
  oids: OwnOids,
): Promise<{ readonly policy: Policy; readonly digest: Uint8Array; readonly data: SignedData }> {
  const data = readSignedData(p7m);
  if (data.eContentType !== oids.policy || !data.content) {
    throw new Refusal("CMS-TYPE", "not a policy", { expected: oids.policy, got: data.eContentType });
  }
  const policy = readPolicy(data.content);
  if (policy.arc !== oids.arc) {
    throw new Refusal("POLICY-CHAIN", "the policy names another arc", { expected: oids.arc, got: policy.arc });
  }
  return { policy, digest: await host.digest("sha256", data.content), data };
}

function checkFollows(inForce: PolicyInForce, policy: Policy): void {
  const number = inForce.number + 1;
  if (policy.number !== number) {
    throw new Refusal("POLICY-CHAIN", "not the next policy", { expected: `number ${number}`, got: `${policy.number}` });
  }
  const previous = hex(inForce.digest);
  if (policy.previous !== previous) {
    const got = policy.previous ?? "none";
    throw new Refusal("POLICY-CHAIN", "the policy follows another one", { expected: previous, got });
  }
  if (policy.appliance !== inForce.policy.appliance) {
    const detail = { expected: inForce.policy.appliance, got: policy.appliance };
    throw new Refusal("POLICY-CHAIN", "the policy is another appliance's", detail);
  }
  checkKeyOfMode(inForce.policy, policy);
}

/** MODE: what was sealed in one mode must differ by its key from what is sealed in another. */
function checkKeyOfMode(old: Policy, next: Policy): void {
  checkEmergencyKey(old, next);
  const usual = ({ modes }: Policy) => modes.filter((mode) => mode !== "emergency").join(", ");
  const [expected, got] = [usual(old), usual(next)];
  if (expected === got) return;
  const none = new Uint8Array(0);
  const sameEmergency = next.keys.emergency && equal(old.keys.emergency ?? none, next.keys.emergency);
  if (!equal(old.keys.sealing, next.keys.sealing) && !sameEmergency) return;
  throw new Refusal("MODE", "another mode needs another sealing key, and another one for emergencies", {
    expected,
    got,
  });
}

/** Everybody with the role operator or officer, each once, nobody else. */
function checkFounders(policy: Policy, signers: readonly DigestedSigner[]): void {
  const known = knownSigners(policy, signers);
  checkDistinct(known);
  for (const signer of known) checkPersonCertificate(policy, signer, signer.signingTime);
  const expected = policy.people.filter(({ roles }) => roles.includes("operator") || roles.includes("officer"));
  const missing = expected.filter(({ id }) => !known.some(({ person }) => person.id === id));
  if (missing.length > 0 || known.length !== expected.length) {
    throw new Refusal("POLICY-SIGNERS", "all operators and officers sign the first policy, and nobody else", {
      expected: expected.map(({ id }) => id).join(", "),
      got: known.map(({ person }) => person.id).join(", "),
    });
  }
}

/**
 * A signer may count for the old policy, the new, or both; one that counts for neither is refused. Recovery holders count only where the old
 * policy's officers do not suffice: gives which of the two it was.
 */
function checkBothQuorums(
  old: Policy,
  next: Policy,
  signers: readonly DigestedSigner[],
  at: Utc | undefined,
): "officers" | "recovery" {
  const ofOld = holdersOf(old, signers, at, isOfficer);
  const ofNext = holdersOf(next, signers, at, isOfficer);
  const enough = ofOld.length >= old.thresholds.policy;
  const ofRecovery = enough || !old.thresholds.recovery ? [] : holdersOf(old, signers, at, isRecoveryHolder);
  for (const signer of signers) {
    if (ofOld.includes(signer) || ofNext.includes(signer) || ofRecovery.includes(signer)) continue;
    throw new Refusal("POLICY-SIGNERS", "a signer is an officer of neither the old policy nor the new", {
      got: signer.certificate.subjectText,
      about: signer.certificateSha256,
    });
  }
  const recovers = ofRecovery.length >= (old.thresholds.recovery ?? Number.POSITIVE_INFINITY);
  if ((!enough && !recovers) || ofNext.length < next.thresholds.policy) {
    throw new Refusal("POLICY-SIGNERS", "too few officers signed the policy", {
      expected: `${old.thresholds.policy} of the old policy and ${next.thresholds.policy} of the new`,
      got: `${ofOld.length} and ${ofNext.length}`,
    });
  }
  return enough ? "officers" : "recovery";
}

/** The signers that are this policy's officers, or its recovery holders; a certificate that it revokes is none's. */
function holdersOf(
  policy: Policy,
  signers: readonly DigestedSigner[],
  at: Utc | undefined,
  holds: (policy: Policy, signer: DigestedSigner) => boolean,
): readonly DigestedSigner[] {
  const mine = signers.filter((signer) => holds(policy, signer));
  checkDistinct(knownSigners(policy, mine));
  for (const signer of mine) checkPersonCertificate(policy, signer, at ?? signer.signingTime);
  return mine;
}

function isOfficer(policy: Policy, { certificate, certificateSha256 }: DigestedSigner): boolean {
  if (policy.revoked.includes(certificateSha256)) return false;
  const person = policy.people.find(({ certificates }) => certificates.some((der) => equal(der, certificate.der)));
  if (!person?.roles.includes("officer")) return false;
  return !excludedRoles.some((role) => person.roles.includes(role));
}

function isRecoveryHolder(policy: Policy, { certificate, certificateSha256 }: DigestedSigner): boolean {
  if (policy.revoked.includes(certificateSha256)) return false;
  const person = policy.people.find(({ certificates }) => certificates.some((der) => equal(der, certificate.der)));
  return person?.roles.includes("recovery") === true;
}
