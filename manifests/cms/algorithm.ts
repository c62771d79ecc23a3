/**
 * Algorithm identifiers: one DER form for each suite, written as the RFCs say and read strictly (T9). SHA-1,
 * MD5, a digest and a signature that disagree and parameters that disagree are refused with CMS-ALGORITHM.
 */

import { equal } from "../encoding/bytes.ts";
import { DerReader, tag } from "../encoding/der-read.ts";
import { derNull, objectIdentifier, sequence } from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";
import { readDigest, readNull } from "./digest.ts";
import { readPssHash, writePssParameters } from "./pss.ts";
import { type HashName, type Suite, suiteNames, suiteOf } from "./suite.ts";

export { checkKey } from "../x509/key.ts";

/** A digest's identifier, parameters absent (RFC 5754 2). */
export function digestAlgorithm(hash: HashName): Uint8Array {
  return sequence(objectIdentifier(oid[hash]));
}

/**
 * The signatureAlgorithm of a SignerInfo. RSA PKCS#1 v1.5: rsaEncryption with NULL (RFC 5754 3.2); PSS: all parameters
 * that are not DER defaults, salt as long as the digest (RFC 4055 3.1); ECDSA: no parameters (RFC 5754 3.3, RFC 5753 7.1.3).
 */
export function signatureAlgorithm(suite: Suite): Uint8Array {
  if (suite.scheme === "rsa-pkcs1") return sequence(objectIdentifier(oid.rsaEncryption), derNull);
  return certificateAlgorithm(suite);
}

/** The signatureAlgorithm of a certificate: as in a SignerInfo, but RSA PKCS#1 v1.5 names its digest (RFC 4055 5). */
export function certificateAlgorithm(suite: Suite): Uint8Array {
  switch (suite.scheme) {
    case "rsa-pkcs1":
      return sequence(objectIdentifier(withRsa[suite.hash]), derNull);
    case "rsa-pss":
      return sequence(objectIdentifier(oid.rsaPss), writePssParameters(suite.hash));
    case "ecdsa-p256":
      return sequence(objectIdentifier(oid.ecdsaWithSha256));
    case "ecdsa-p384":
      return sequence(objectIdentifier(oid.ecdsaWithSha384));
  }
}

/** The suite of a SignerInfo's two identifiers. */
export function readSuite(digest: Uint8Array, signature: Uint8Array): Suite {
  const hash = readDigest(digest);
  const found = readSignature(signature);
  const suite = found === "rsa-pkcs1" ? suiteOf(`rsa-pkcs1-${hash}`) : found;
  if (suite.hash !== hash) {
    throw new Refusal("CMS-ALGORITHM", "digest and signature algorithm disagree", { expected: suite.hash, got: hash });
  }
  return suite;
}

/** The suite that a certificate was signed with. */
export function readCertificateAlgorithm(identifier: Uint8Array): Suite {
  const found = readSignature(identifier);
  if (found === "rsa-pkcs1") throw new Refusal("CMS-ALGORITHM", "the signature algorithm names no digest");
  return found;
}

const withRsa = { sha256: oid.sha256WithRsa, sha384: oid.sha384WithRsa, sha512: oid.sha512WithRsa } as const;

/** The suite, or "rsa-pkcs1" for rsaEncryption, which leaves the digest open. */
function readSignature(identifier: Uint8Array): Suite | "rsa-pkcs1" {
  const known = knownForms.find(({ encoded }) => equal(identifier, encoded));
  if (known) return known.suite;
  const reader = DerReader.open(identifier, tag.sequence, "CMS-ALGORITHM");
  const name = reader.oid();
  switch (name) {
    case oid.rsaEncryption:
      readNull(reader);
      return "rsa-pkcs1";
    case oid.rsaPss:
      return suiteOf(`rsa-pss-${readPssHash(reader)}`);
    default: // the allowed ones have no second form, so one that is named here has wrong parameters
      throw new Refusal("CMS-ALGORITHM", "not a signature algorithm that is allowed", { got: name });
  }
}

const knownForms = suiteNames.map(suiteOf).map((suite) => ({ suite, encoded: certificateAlgorithm(suite) }));
