/** The box's keys as the policy in force names them, of those that it has, with their certificates. */

import { readCertificateFile } from "../../host/certificate-file.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { checkKey } from "../../manifests/cms/algorithm.ts";
import { type Suite, suiteNames, suiteOf } from "../../manifests/cms/suite.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { type OwnOids, oid, ownOids } from "../../manifests/encoding/oid.ts";
import {
  excludedUsage,
  keyEntries,
  keyPurposes,
  mapKeys,
  type OfKeys,
  usageOf,
} from "../../manifests/records/key-purpose.ts";
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

export type BoxKeys = OfKeys<BoxKey>;

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

/** Keys that work together: on one token. */
export interface KeysInForce {
  readonly keys: BoxKeys;
  readonly atHand: OfKeys<KeyAtHand>;
  readonly token: TokenAtHand;
}

/**
 * The pinned keys by themselves, before there are certificates: those that the policy names, strong enough.
 * Refuses with HSM-KEY, PATH-KEY or CMS-ALGORITHM.
 */
export function checkPinnedKeys(config: SignerConfig["keys"], policy: Policy): void {
  const pinned = mapKeys(config, ({ spki }) => spki);
  checkNamed(policy, pinned);
  for (const [purpose, spki] of keyEntries(pinned)) {
    if (purpose === "sealing" || purpose === "emergency")
      checkKey(suiteOf(policy.profile.suite), spki, policy.limits.minimumRsaBits);
    else fittingSuite(spki, policy);
  }
}

/** The keys of a genesis, as the configuration pins them. Refuses with CONFIG what is no certificate. */
export function configuredKeys({ keys, token }: Pick<SignerConfig, "keys" | "token">): readonly KeyAtHand[] {
  return keyEntries(keys).map(([purpose, { certificates, spki, uri }]) => {
    return { purpose, spki, uri, token, chain: certificates.map(readCertificateFile) };
  });
}

/**
 * Of the keys at hand those that the policy names. Refuses with HSM-KEY (it names one that is not there, or two tokens; a certificate is
 * another key's), CONFIG (no certificate yet), PATH-FORM, PATH-USAGE, PATH-KEY, CMS-ALGORITHM.
 */
export function keysInForce(policy: Policy, atHand: readonly KeyAtHand[]): KeysInForce {
  const found = mapKeys(policy.keys, (spki, purpose) => named(purpose, spki, atHand));
  for (const [, one] of keyEntries(found)) {
    if (one.token.uri !== found.sealing.token.uri) {
      throw new Refusal("HSM-KEY", "the policy names keys of two tokens", {
        expected: found.sealing.token.uri,
        got: one.token.uri,
        about: one.purpose,
      });
    }
    checkCertified(one);
  }
  const keys = mapKeys(found, ({ chain, spki }, purpose) => boxKey(chain, spki, policy, purpose));
  checkPolicyKeys(policy, keys);
  checkUsage(keys, ownOids(policy.arc));
  return { keys, atHand: found, token: found.sealing.token };
}

function named(purpose: KeyName, spki: Uint8Array, atHand: readonly KeyAtHand[]): KeyAtHand {
  const key = atHand.find((one) => one.purpose === purpose && equal(one.spki, spki));
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
function boxKey(chain: readonly Uint8Array[], spki: Uint8Array, policy: Policy, purpose: KeyName): BoxKey {
  const key = certifiedKey(chain, fittingSuite(spki, policy, purpose));
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
  checkNamed(
    policy,
    mapKeys(keys, ({ spki }) => spki),
  );
  for (const sealing of [keys.sealing, keys.emergency]) {
    if (!sealing) continue;
    checkKey(suiteOf(policy.profile.suite), sealing.spki, policy.limits.minimumRsaBits);
    // Verifiers hold the whole path of a seal against the policy.
    for (const der of sealing.chain) {
      checkStrength(readPublicKey(readCertificate(der).spki), policy.limits.minimumRsaBits);
    }
  }
  for (const { suite, spki } of [keys.audit, ...(keys.time ? [keys.time] : [])]) {
    checkKey(suite, spki, policy.limits.minimumRsaBits);
  }
}

/** Different keys, and those that the policy names. */
function checkNamed(policy: Policy, keys: OfKeys<Uint8Array>): void {
  const none = new Uint8Array(0);
  for (const name of keyPurposes) {
    if (!equal(policy.keys[name] ?? none, keys[name] ?? none)) {
      throw new Refusal("HSM-KEY", `the policy names another ${name} key than the box has`, { about: name });
    }
  }
  for (const [at, [purpose, spki]] of keyEntries(keys).entries()) {
    const same = keyEntries(keys)
      .slice(0, at)
      .find(([, other]) => equal(other, spki));
    if (same) throw new Refusal("HSM-KEY", `the ${same[0]} key must be another key than the ${purpose} key`);
  }
}

/** Whether verifiers would take what these keys sign; the path to the root is theirs to check. */
function checkUsage(keys: BoxKeys, oids: OwnOids): void {
  for (const [name, { certificate }] of keyEntries(keys)) checkUsageOf(certificate, name, oids);
}

/** Refuses with PATH-USAGE a certificate (DER) that is not for this purpose; one for time-stamps is for nothing else, and critically so (RFC 3161 2.3). */
export function checkUsageOf(certificate: Uint8Array, purpose: KeyName, oids: OwnOids): void {
  const { criticalOids, extendedKeyUsage, isCa, subjectText } = readCertificate(certificate);
  const expected = usageOf(purpose, oids);
  const alone = extendedKeyUsage.length === 1 && criticalOids.includes(oid.extendedKeyUsage);
  const excluded = excludedUsage(purpose, oids);
  const fits = extendedKeyUsage.includes(expected) && !(excluded && extendedKeyUsage.includes(excluded));
  if (!isCa && fits && (purpose !== "time" || alone)) return;
  throw new Refusal("PATH-USAGE", `not a certificate for the ${purpose} key`, {
    about: subjectText,
    expected: excluded ? `${expected}, and not ${excluded}` : expected,
    got: extendedKeyUsage.join(", "),
  });
}

/** Refuses with HSM-KEY a key that no suite fits, PATH-KEY one that is too weak. The profile's suite where the key can do it; a key of another kind takes the first suite that it can. Time-stamps are never by RSA-PSS: `openssl ts` cannot check that. */
export function fittingSuite(spki: Uint8Array, policy: Policy, purpose: KeyName = "audit"): Suite {
  let weak: Refusal | undefined;
  for (const name of [policy.profile.suite, ...suiteNames]) {
    if (purpose === "time" && suiteOf(name).scheme === "rsa-pss") continue;
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
