/** Ed25519 keys (RFC 8032) by node:crypto, as logs and witnesses sign notes with them. */

import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { pointOfSpki } from "../../manifests/log/ed25519-point.ts";

export function newEd25519(): KeyObject {
  return generateKeyPairSync("ed25519").privateKey;
}

/** The point, 32 bytes. */
export function ed25519Point(key: KeyObject): Uint8Array {
  return pointOfSpki(new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" })));
}

export function signEd25519(key: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, key));
}
