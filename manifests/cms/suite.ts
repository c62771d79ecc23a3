/** The signature suites that Coldseal knows, by the names used in policies, manifests and configuration. */

export type HashName = "sha256" | "sha384" | "sha512";

export type Scheme = "rsa-pkcs1" | "rsa-pss" | "ecdsa-p256" | "ecdsa-p384";

/** A scheme with its one digest: the digest of the content, of the signed attributes and, for PSS, of MGF1. */
export interface Suite {
  readonly name: SuiteName;
  readonly scheme: Scheme;
  readonly hash: HashName;
}

export const suiteNames = [
  "rsa-pkcs1-sha256",
  "rsa-pkcs1-sha384",
  "rsa-pkcs1-sha512",
  "rsa-pss-sha256",
  "rsa-pss-sha384",
  "rsa-pss-sha512",
  "ecdsa-p256-sha256",
  "ecdsa-p384-sha384",
] as const;

export type SuiteName = (typeof suiteNames)[number];

export const hashBytes: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** The suite of a name of `suiteNames`. */
export function suiteOf(name: SuiteName): Suite {
  const cut = name.lastIndexOf("-");
  return { name, scheme: name.slice(0, cut) as Scheme, hash: name.slice(cut + 1) as HashName };
}
