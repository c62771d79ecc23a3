/** Throw-away software keys for tests and drills. They prove nothing about an HSM. */

import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { SigningKey } from "../../manifests/cms/sign.ts";
import { hashBytes, type Suite, type SuiteName, suiteOf } from "../../manifests/cms/suite.ts";

/** A new private key that fits the suite; RSA of `bits` (3072 unless said: about half a second). */
export function newKey(suite: SuiteName | Suite, bits = 3072): KeyObject {
  const { scheme } = asSuite(suite);
  switch (scheme) {
    case "rsa-pkcs1":
    case "rsa-pss":
      return generateKeyPairSync("rsa", { modulusLength: bits }).privateKey;
    case "ecdsa-p256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    case "ecdsa-p384":
      return generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  }
}

/** One signature in CMS form. */
export function signWith(key: KeyObject, suite: SuiteName | Suite, message: Uint8Array): Uint8Array {
  const { scheme, hash } = asSuite(suite);
  const options =
    scheme === "rsa-pss"
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: hashBytes[hash] }
      : scheme === "rsa-pkcs1"
        ? { padding: constants.RSA_PKCS1_PADDING }
        : { dsaEncoding: "der" as const };
  return new Uint8Array(sign(hash, message, { key, ...options }));
}

export function signingKeyOf(key: KeyObject, suite: SuiteName | Suite, certificate: Uint8Array): SigningKey {
  return { suite: asSuite(suite), certificate, sign: async (message) => signWith(key, suite, message) };
}

export function asSuite(suite: SuiteName | Suite): Suite {
  return typeof suite === "string" ? suiteOf(suite) : suite;
}
