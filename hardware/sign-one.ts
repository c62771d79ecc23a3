/** One C_Sign with its mechanism; runs in whichever thread holds the session. */

import pkcs11js from "pkcs11js";
import { digestOf } from "../host/crypto-host.ts";
import { ecdsaFromRaw } from "../manifests/cms/ecdsa.ts";
import { type HashName, hashBytes, type Suite } from "../manifests/cms/suite.ts";
import { derNull, objectIdentifier, octetString, sequence } from "../manifests/encoding/der-write.ts";
import { oid } from "../manifests/encoding/oid.ts";
import { Refusal } from "../manifests/refusal.ts";
import { checkNotOver, countSignature } from "./objects.ts";

/** What C_Sign is called with: handles of a session and a private key, and how many bytes it must give. */
export interface RawPlace {
  readonly session: pkcs11js.Handle;
  readonly key: pkcs11js.Handle;
  readonly length: number;
  /** see `Session` */
  readonly over: Int32Array;
}

export interface SignPlace extends RawPlace {
  readonly suite: Suite;
}

/** Signs a message (not its digest); answers in CMS form. Throws what `signRaw` throws. */
export function signOne(library: pkcs11js.PKCS11, place: SignPlace, message: Uint8Array): Uint8Array {
  const { suite } = place;
  const signature = signRaw(library, place, mechanism(suite), toBeSigned(suite, message));
  switch (suite.scheme) {
    case "rsa-pkcs1":
    case "rsa-pss":
      return new Uint8Array(signature);
    case "ecdsa-p256":
    case "ecdsa-p384":
      return ecdsaFromRaw(suite.scheme, signature);
  }
}

/**
 * What the mechanism makes of these bytes. Only the synchronous C_Sign: the binding's callback form signs the wrong data under load (measured: 60 of 60 with
 * a full thread pool). Throws what the binding throws, HSM-SIGNATURE, and LOCKED when the login is to end.
 */
export function signRaw(
  library: pkcs11js.PKCS11,
  { session, key, length, over }: RawPlace,
  by: pkcs11js.Mechanism,
  bytes: Uint8Array,
): Buffer {
  checkNotOver(over);
  library.C_SignInit(session, by, key);
  const signature = library.C_Sign(session, Buffer.from(bytes), Buffer.alloc(length));
  countSignature(over);
  if (signature.length === length) return signature;
  throw new Refusal("HSM-SIGNATURE", "the token gave a signature of a wrong length", {
    expected: `${length} bytes`,
    got: `${signature.length} bytes`,
  });
}

function mechanism(suite: Suite): pkcs11js.Mechanism {
  switch (suite.scheme) {
    case "rsa-pkcs1":
      return { mechanism: pkcs11js.CKM_RSA_PKCS };
    case "rsa-pss":
      return { mechanism: pkcs11js.CKM_RSA_PKCS_PSS, parameter: pssParameters(suite.hash) };
    case "ecdsa-p256":
    case "ecdsa-p384":
      return { mechanism: pkcs11js.CKM_ECDSA };
  }
}

function pssParameters(hash: HashName): pkcs11js.RsaPSS {
  const { hashAlg, mgf } = pssHashes[hash];
  return { type: pkcs11js.CK_PARAMS_RSA_PSS, hashAlg, mgf, saltLen: hashBytes[hash] };
}

const pssHashes = {
  sha256: { hashAlg: pkcs11js.CKM_SHA256, mgf: pkcs11js.CKG_MGF1_SHA256 },
  sha384: { hashAlg: pkcs11js.CKM_SHA384, mgf: pkcs11js.CKG_MGF1_SHA384 },
  sha512: { hashAlg: pkcs11js.CKM_SHA512, mgf: pkcs11js.CKG_MGF1_SHA512 },
} as const;

/** What goes into C_Sign: the digest, for RSA PKCS#1 v1.5 in a DigestInfo with NULL (RFC 8017 9.2). */
function toBeSigned(suite: Suite, message: Uint8Array): Uint8Array {
  const digest = digestOf(suite.hash, message);
  if (suite.scheme !== "rsa-pkcs1") return digest;
  return sequence(sequence(objectIdentifier(oid[suite.hash]), derNull), octetString(digest));
}
