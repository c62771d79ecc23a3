/** A credential that only the TPM with an endorsement key can take a secret out of, and only for a key of its own with this Name (TPM 2.0 Library, part 1, "Credential Protection" and "Secret Sharing"). */

import {
  constants,
  createCipheriv,
  createECDH,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { sha256 } from "../../host/crypto-host.ts";
import { concat, utf8 } from "../../manifests/encoding/bytes.ts";
import { readPublicKey } from "../../manifests/x509/key.ts";
import { sized, u32 } from "./tpm-writer.ts";

export interface MadeCredential {
  /** TPMS_ID_OBJECT */
  readonly blob: Uint8Array;
  /** what a TPM2B_ENCRYPTED_SECRET holds */
  readonly secret: Uint8Array;
}

/**
 * Wraps `secret` (at most 32 bytes) for the key `spki`, RSA or P-256, and the object of that Name. The endorsement key is one of the
 * templates of the EK Credential Profile: Name by SHA-256, AES-128 in CFB. Refuses PATH-KEY, CMS-ALGORITHM.
 */
export function makeCredential(spki: Uint8Array, name: Uint8Array, secret: Uint8Array): MadeCredential {
  const { encrypted, seed } = sharedSeed(spki);
  const cipher = createCipheriv("aes-128-cfb", kdfa(seed, "STORAGE", name, 128), new Uint8Array(16));
  const identity = concat([cipher.update(sized(secret)), cipher.final()]);
  const integrity = createHmac("sha256", kdfa(seed, "INTEGRITY", new Uint8Array(0), 256))
    .update(identity)
    .update(name)
    .digest();
  return { blob: concat([sized(integrity), identity]), secret: encrypted };
}

/** The seed, and what it travels in: RSAES-OAEP with the label "IDENTITY" and a zero, or one-pass ECDH. */
function sharedSeed(spki: Uint8Array): { readonly seed: Uint8Array; readonly encrypted: Uint8Array } {
  const key = readPublicKey(spki);
  if (key.kind === "rsa") {
    const seed = new Uint8Array(randomBytes(32));
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const publicKey = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    const encrypted = publicEncrypt(
      { key: publicKey, padding, oaepHash: "sha256", oaepLabel: utf8("IDENTITY\0") },
      seed,
    );
    return { seed, encrypted: new Uint8Array(encrypted) };
  }
  const once = createECDH("prime256v1");
  const point = once.generateKeys();
  const shared = once.computeSecret(key.point);
  const [x, y, theirX] = [point.subarray(1, 33), point.subarray(33), key.point.subarray(1, 33)];
  return { seed: kdfe(shared, x, theirX), encrypted: concat([sized(x), sized(y)]) };
}

/** KDFa with HMAC-SHA-256 (part 1): one block is enough. */
function kdfa(key: Uint8Array, label: string, context: Uint8Array, bits: number): Uint8Array {
  const block = createHmac("sha256", key)
    .update(concat([u32(1), utf8(`${label}\0`), context, u32(bits)]))
    .digest();
  return new Uint8Array(block.subarray(0, bits / 8));
}

/** KDFe with SHA-256 (part 1). */
function kdfe(z: Uint8Array, one: Uint8Array, other: Uint8Array): Uint8Array {
  return sha256(concat([u32(1), z, utf8("IDENTITY\0"), one, other]));
}
