/**
 * Signatures by a token's key. Only the synchronous C_Sign: the binding's callback form signs the wrong data under load
 * (measured: 60 of 60 with a full thread pool). What comes back is checked for its length here, and verified by whoever relies on it.
 */

import { setImmediate } from "node:timers/promises";
import pkcs11js from "pkcs11js";
import { digestOf } from "../host/crypto-host.ts";
import { checkKey } from "../manifests/cms/algorithm.ts";
import { ecdsaFromRaw } from "../manifests/cms/ecdsa.ts";
import { type HashName, hashBytes, type Suite } from "../manifests/cms/suite.ts";
import { derNull, objectIdentifier, octetString, sequence } from "../manifests/encoding/der-write.ts";
import { oid } from "../manifests/encoding/oid.ts";
import { Refusal } from "../manifests/refusal.ts";
import { findPinnedKey, type PinnedKey, type TokenKey } from "./key.ts";
import type { Session } from "./objects.ts";
import type { Token } from "./token.ts";

export interface SuitedKey extends PinnedKey {
  readonly suite: Suite;
}

export interface TokenSigner {
  readonly suite: Suite;
  /** Signs a message (not its digest); answers in CMS form (RSA: the octets; ECDSA: DER SEQUENCE { r, s }). */
  sign(message: Uint8Array): Promise<Uint8Array>;
  /** Signs each message, in order, in one session; lets other work run in between. */
  signMany(messages: readonly Uint8Array[]): Promise<Uint8Array[]>;
}

/** Longest time that signing keeps everything else waiting, in milliseconds. */
const turn = 20;

/**
 * A signer of the one key that is pinned. Nothing is asked of the token before the first signature. Signing refuses with
 * LOCKED, HSM-GONE, HSM-KEY (see `findPinnedKey`), HSM-SIGNATURE (a signature of a wrong length), HSM-UNSUPPORTED or
 * HSM-FAULT. When a session dies in the middle, the same messages are signed again in another one, once.
 */
export function tokenSigner(token: Token, key: SuitedKey): TokenSigner {
  let found: { readonly key: TokenKey; readonly epoch: number } | undefined;
  const keyIn = (session: Session): TokenKey => {
    if (found?.epoch !== token.epoch) found = { key: findPinnedKey(session, key), epoch: token.epoch };
    return found.key;
  };
  const length = signatureBytes(key);
  const signAll = async (session: Session, messages: readonly Uint8Array[]): Promise<Uint8Array[]> => {
    const signatures: Uint8Array[] = [];
    let started = performance.now();
    for (const message of messages) {
      if (performance.now() - started > turn) {
        await setImmediate();
        started = performance.now();
      }
      signatures.push(signOne(session, keyIn(session), key.suite, length, message));
    }
    return signatures;
  };
  const signMany = (messages: readonly Uint8Array[]) =>
    token.withSession(
      (session) =>
        signAll(session, messages).catch((fault) => {
          found = undefined; // its handle may be what failed
          throw fault;
        }),
      { repeat: true },
    );
  return { suite: key.suite, signMany, sign: async (message) => (await signMany([message]))[0] as Uint8Array };
}

function signOne(session: Session, key: TokenKey, suite: Suite, length: number, message: Uint8Array): Uint8Array {
  const { library, handle } = session;
  library.C_SignInit(handle, mechanism(suite), key.handle);
  const signature = library.C_Sign(handle, Buffer.from(toBeSigned(suite, message)), Buffer.alloc(length));
  if (signature.length !== length) {
    throw new Refusal("HSM-SIGNATURE", "the token gave a signature of a wrong length", {
      expected: `${length} bytes`,
      got: `${signature.length} bytes`,
    });
  }
  switch (suite.scheme) {
    case "rsa-pkcs1":
    case "rsa-pss":
      return new Uint8Array(signature);
    case "ecdsa-p256":
    case "ecdsa-p384":
      return ecdsaFromRaw(suite.scheme, signature);
  }
}

/** Length of what C_Sign gives. Refuses with CMS-ALGORITHM or PATH-KEY a key that does not fit the suite. */
function signatureBytes(key: SuitedKey): number {
  const publicKey = checkKey(key.suite, key.spki, 2048);
  if (publicKey.kind === "rsa") return publicKey.modulus.length;
  return publicKey.scheme === "ecdsa-p256" ? 64 : 96;
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
