/** The box's two keys as the policy in force names them, of those that it has, with their certificates. */

import { readCertificateFile } from "../../host/certificate-file.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { checkKey } from "../../manifests/cms/algorithm.ts";
import { type Suite, suiteNames, suiteOf } from "../../manifests/cms/suite.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { type OwnOids, ownOids } from "../../manifests/encoding/oid.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { checkStrength, readPublicKey } from "../../manifests/x509/key.ts";
import type { SignerConfig } from "./config.ts";
import type { KeyName } from "./ports.ts";

export interface BoxKey {
  readonly spki: Uint8Array;
  readonly suite: Suite;
  /** DER; the key's certificate first, then its issuers, no root */
  readonly chain: readonly Uint8Array[];
  readonly certificate: Uint8Array;
  /** SHA-256 of the certificate and of the SubjectPublicKeyInfo */
  readonly certificateDigest: Uint8Array;
  readonly keyDigest: Uint8Array;
}

export type BoxKeys = Readonly<Record<KeyName, BoxKey>>;

/** A key that the box has, in force or not. */
export interface KeyAtHand {
  readonly purpose: KeyName;
  readonly spki: Uint8Array;
  /** RFC 7512, of the private key */
  readonly uri: string;
  readonly token: TokenAtHand;
  /** DER; its certificate first, then its issuers, no root; none until they came in */
  readonly chain: readonly Uint8Array[];
}

export type TokenAtHand = SignerConfig["token"];

/** Two keys that work together: on one token. */
export interface KeysInForce {
  readonly keys: BoxKeys;
  readonly atHand: Readonly<Record<KeyName, KeyAtHand>>;
  readonly token: TokenAtHand;
}

/**
 * The pinned keys by themselves, before there are certificates: those that the policy names, two of them, strong enough.
 * Refuses with HSM-KEY, PATH-KEY or CMS-ALGORITHM.
 */
export function checkPinnedKeys(config: SignerConfig["keys"], policy: Policy): void {
  const pinned = { sealing: config.sealing.spki, audit: config.audit.spki };
  checkNamed(policy, pinned);
  checkKey(suiteOf(policy.profile.suite), pinned.sealing, policy.limits.minimumRsaBits);
  fittingSuite(pinned.audit, policy);
}

/** The keys of a genesis, as the configuration pins them. Refuses with CONFIG what is no certificate. */
export function configuredKeys({ keys, token }: Pick<SignerConfig, "keys" | "token">): readonly KeyAtHand[] {
  return (["audit", "sealing"] as const).map((purpose) => {
    const { certificates, spki, uri } = keys[purpose];
    return { purpose, spki, uri, token, chain: certificates.map(readCertificateFile) };
  });
}

/**
 * Of the keys at hand those that the policy names. Refuses with HSM-KEY (it names one that is not there, or two tokens; a certificate is
 * another key's), CONFIG (no certificate yet), PATH-FORM, PATH-USAGE, PATH-KEY, CMS-ALGORITHM.
 */
export function keysInForce(policy: Policy, atHand: readonly KeyAtHand[]): KeysInForce {
  const found = { audit: named(policy, "audit", atHand), sealing: named(policy, "sealing", atHand) };
  if (found.audit.token.uri !== found.sealing.token.uri) {
    throw new Refusal("HSM-KEY", "the policy names keys of two tokens", {
      expected: found.sealing.token.uri,
      got: found.audit.token.uri,
    });
  }
  for (const one of [found.audit, found.sealing]) checkCertified(one);
  const keys = {
    sealing: boxKey(found.sealing.chain, found.sealing.spki, policy),
    audit: boxKey(found.audit.chain, found.audit.spki, policy),
  };
  checkPolicyKeys(policy, keys);
  checkUsage(keys, ownOids(policy.arc));
  return { keys, atHand: found, token: found.sealing.token };
}

function named(policy: Policy, purpose: KeyName, atHand: readonly KeyAtHand[]): KeyAtHand {
  const key = atHand.find((one) => one.purpose === purpose && equal(one.spki, policy.keys[purpose]));
  if (key) return key;
  throw new Refusal("HSM-KEY", `the policy names another ${purpose} key than the box has`, { about: purpose });
}

/** Until certificates came in the box seals nothing: it does not even run. */
function checkCertified({ purpose, chain }: KeyAtHand): void {
  if (chain.length > 0) return;
  throw new Refusal("CONFIG", `the ${purpose} key has no certificate yet`, {
    expected: "certificates, brought in by the ceremony `certificates`",
    got: "none",
    about: purpose,
  });
}

/** A key of the box from its chain and pinned public key. Refuses with HSM-KEY when they do not belong together. */
function boxKey(chain: readonly Uint8Array[], spki: Uint8Array, policy: Policy): BoxKey {
  const key = certifiedKey(chain, fittingSuite(spki, policy));
  if (!equal(key.spki, spki)) throw new Refusal("HSM-KEY", "the certificate is not that of the pinned key");
  return key;
}

/** A key as its certificates show it. Judged by nothing: what was reserved or sealed stays readable under any later policy. */
export function certifiedKey(chain: readonly Uint8Array[], suite: Suite): BoxKey {
  const [certificate] = chain;
  if (!certificate) throw new Refusal("HSM-KEY", "a key of the box has no certificate");
  const { spki } = readCertificate(certificate);
  return { spki, suite, chain, certificate, certificateDigest: sha256(certificate), keyDigest: sha256(spki) };
}

/** Refuses with HSM-KEY when the policy names other keys than the box has, PATH-KEY or CMS-ALGORITHM keys that it finds too weak. */
export function checkPolicyKeys(policy: Policy, keys: BoxKeys): void {
  checkNamed(policy, { sealing: keys.sealing.spki, audit: keys.audit.spki });
  checkKey(suiteOf(policy.profile.suite), keys.sealing.spki, policy.limits.minimumRsaBits);
  checkKey(keys.audit.suite, keys.audit.spki, policy.limits.minimumRsaBits);
  // Verifiers hold the whole path of a seal against the policy.
  for (const der of keys.sealing.chain) {
    checkStrength(readPublicKey(readCertificate(der).spki), policy.limits.minimumRsaBits);
  }
}

/** Two keys, and those that the policy names. */
function checkNamed(policy: Policy, spki: Readonly<Record<KeyName, Uint8Array>>): void {
  for (const name of ["sealing", "audit"] as const) {
    if (!equal(policy.keys[name], spki[name])) {
      throw new Refusal("HSM-KEY", `the policy names another ${name} key than the box has`, { about: name });
    }
  }
  if (equal(spki.sealing, spki.audit)) {
    throw new Refusal("HSM-KEY", "the audit key must be another key than the sealing key");
  }
}

/** Whether verifiers would take what these keys sign; the path to the root is theirs to check. */
function checkUsage(keys: BoxKeys, oids: OwnOids): void {
  for (const name of ["sealing", "audit"] as const) checkUsageOf(keys[name].certificate, name, oids);
}

/** Refuses with PATH-USAGE a certificate (DER) that is not for this purpose. */
export function checkUsageOf(certificate: Uint8Array, purpose: KeyName, oids: OwnOids): void {
  const { extendedKeyUsage, isCa, subjectText } = readCertificate(certificate);
  if (!isCa && extendedKeyUsage.includes(oids[purpose])) return;
  throw new Refusal("PATH-USAGE", `not a certificate for the ${purpose} key`, {
    about: subjectText,
    expected: oids[purpose],
  });
}

/** Refuses with HSM-KEY a key that no suite fits, PATH-KEY one that is too weak. The profile's suite where the key can do it; an audit key of another kind takes the first suite that it can. */
export function fittingSuite(spki: Uint8Array, policy: Policy): Suite {
  let weak: Refusal | undefined;
  for (const name of [policy.profile.suite, ...suiteNames]) {
    try {
      checkKey(suiteOf(name), spki, policy.limits.minimumRsaBits);
      return suiteOf(name);
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      if (fault.code === "PATH-KEY") weak = fault;
    }
  }
  if (weak) throw weak;
  throw new Refusal("HSM-KEY", "no signature suite fits the pinned key");
}
