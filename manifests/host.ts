import type { HashName, Suite } from "./cms/suite.ts";

/** A running digest. `digest` ends it; it must not be used afterwards. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  digest(): Promise<Uint8Array>;
}

/**
 * What `manifests/` asks of the machine it runs on: digests and signature checks. Node's is `host/crypto-host.ts`;
 * a browser can supply WebCrypto, which is why the answers are promises.
 */
export interface Host {
  /** Takes `bytes` before it returns: whoever gave them may change them then. */
  digest(hash: HashName, bytes: Uint8Array): Promise<Uint8Array>;
  hasher(hash: HashName): Hasher;
  /** SHA-1, which OCSP names keys and issuers by (RFC 6960 4.1.1, 4.2.1). Nothing may rest on it: it only finds what a signature then vouches for. */
  sha1(bytes: Uint8Array): Promise<Uint8Array>;
  /**
   * Checks one signature. `spki` is a DER SubjectPublicKeyInfo, `message` the bytes that were signed (not their
   * digest), `signature` as CMS carries it (RSA: the octets; ECDSA: DER SEQUENCE { r, s }, RFC 5753 7.2).
   * Answers false for a signature that does not hold and for a key that does not fit the suite; never throws for them.
   */
  verify(suite: Suite, spki: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /**
   * Checks one Ed25519 signature (RFC 8032 5.1.7) of 64 bytes over the whole `message`; `key` is a point of 32 bytes that `checkEd25519Point` took. Answers
   * false for a signature that does not hold, and for one whose S is not below the group's order; never throws for them.
   */
  verifyEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}
