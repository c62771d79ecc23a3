/** Ed25519 keys (RFC 8032) by node:crypto, as logs and witnesses sign notes with them. */

import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export function newEd25519(): KeyObject {
  return generateKeyPairSync("ed25519").privateKey;
}

/** The point, 32 bytes: the last of a SubjectPublicKeyInfo (RFC 8410 4). */
export function ed25519Point(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32));
}

export function signEd25519(key: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, key));
}
