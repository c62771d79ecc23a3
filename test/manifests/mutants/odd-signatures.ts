/** Signatures by software keys in forms that `test/pki/keys.ts` does not make. */

import { constants, createHash, type KeyObject, privateEncrypt, randomBytes, sign } from "node:crypto";

export interface PssChoice {
  readonly hash: string;
  readonly mask: string;
  readonly salt: number;
}

/** RSASSA-PSS (RFC 8017 9.1.1) with a mask of another hash than the message's, for a key of 8n bits. */
export function pssSignature(
  key: KeyObject,
  message: Uint8Array,
  { hash, mask, salt: saltLength }: PssChoice,
): Uint8Array {
  const length = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const salt = randomBytes(saltLength);
  const digest = createHash(hash).update(message).digest();
  const h = createHash(hash)
    .update(Buffer.concat([Buffer.alloc(8), digest, salt]))
    .digest();
  const block = Buffer.alloc(length - h.length - 1);
  block[block.length - salt.length - 1] = 1;
  salt.copy(block, block.length - salt.length);
  const stream = maskOf(mask, h, block.length);
  const masked = block.map((byte, at) => byte ^ (stream[at] as number));
  masked[0] = (masked[0] as number) & 0x7f;
  const encoded = Buffer.concat([masked, h, Uint8Array.of(0xbc)]);
  return new Uint8Array(privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded));
}

/** RSASSA-PKCS1-v1_5 or ECDSA with a hash that the key's suite does not have. */
export function signatureBy(key: KeyObject, hash: string, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(hash, message, { key, dsaEncoding: "der" }));
}

/** The r and s of a P-256 signature. */
export function halves(der: Uint8Array): readonly [r: bigint, s: bigint] {
  const length = der[3] as number;
  return [BigInt(`0x${der.subarray(4, 4 + length).toHex()}`), BigInt(`0x${der.subarray(6 + length).toHex()}`)];
}

export const orderOfP256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** MGF1 (RFC 8017 B.2.1). */
function maskOf(hash: string, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0, got = 0; got < length; at++) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(at);
    const one = createHash(hash).update(seed).update(counter).digest();
    blocks.push(one);
    got += one.length;
  }
  return Buffer.concat(blocks);
}
