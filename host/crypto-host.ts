/** What Node supplies to `manifests/`: digests and signature checks by node:crypto (OpenSSL). */

import {
  constants,
  createHash,
  createPublicKey,
  type Hash,
  hash,
  type KeyObject,
  type VerifyKeyObjectInput,
  verify,
} from "node:crypto";
import { promisify } from "node:util";
import { type HashName, hashBytes, type Suite } from "../manifests/cms/suite.ts";
import { Recent } from "../manifests/encoding/recent.ts";
import type { Hasher, Host } from "../manifests/host.ts";
import { ed25519Spki } from "../manifests/log/ed25519-point.ts";

export const nodeHost: Host = {
  digest: async (name, bytes) => digestOf(name, bytes),
  hasher: (name) => new NodeHasher(name),
  sha1: async (bytes) => new Uint8Array(hash("sha1", bytes, "buffer")),
  verify: async (suite, spki, message, signature) => holds(suite, spki, message, signature),
  verifyEd25519: async (key, message, signature) => holdsEd25519(key, message, signature),
};

/** As `nodeHost`, but signatures are checked by Node's thread pool: for who has many to check and other work meanwhile. */
export const pooledHost: Host = {
  ...nodeHost,
  verify: (suite, spki, message, signature) => holdsSoon(suite, spki, message, signature),
};

export function sha256(bytes: Uint8Array): Uint8Array {
  return digestOf("sha256", bytes);
}

/** The digest of `bytes`, as plain bytes of their own. By way of a string, a character a byte: Node makes memory outside of its heap for each Buffer, and takes twice as long. */
export function digestOf(name: HashName, bytes: Uint8Array): Uint8Array {
  const characters = hash(name, bytes, "binary");
  const { length } = characters;
  const digest = new Uint8Array(length);
  for (let at = 0; at < length; at++) digest[at] = characters.charCodeAt(at);
  return digest;
}

class NodeHasher implements Hasher {
  readonly #hash: Hash;

  constructor(name: HashName) {
    this.#hash = createHash(name);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }
}

/** Public keys are parsed once. */
const keys = new Recent<KnownKey>(256);

interface KnownKey {
  readonly key: KeyObject;
  readonly type: string | undefined;
  readonly curve: string | undefined;
}

function holds(suite: Suite, spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const known = publicKey(spki);
    return fits(suite, known) && verify(suite.hash, message, verifyKey(suite, known), signature);
  } catch {
    return false; // a key or signature that OpenSSL cannot read holds nothing
  }
}

function holdsEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== 32 || signature.length !== 64) return false;
  try {
    return verify(null, message, publicKey(ed25519Spki(key)).key, signature);
  } catch {
    return false; // a key that OpenSSL cannot read holds nothing
  }
}

async function holdsSoon(suite: Suite, spki: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    const known = publicKey(spki);
    return fits(suite, known) && (await verifyInPool(suite.hash, message, verifyKey(suite, known), signature));
  } catch {
    return false; // a key or signature that OpenSSL cannot read holds nothing
  }
}

const verifyInPool = promisify(verify);

function publicKey(spki: Uint8Array): KnownKey {
  const held = keys.find(spki);
  if (held) return held;
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return keys.keep(new Uint8Array(spki), {
    key,
    type: key.asymmetricKeyType,
    curve: key.asymmetricKeyDetails?.namedCurve,
  });
}

function fits(suite: Suite, { type, curve }: KnownKey): boolean {
  switch (suite.scheme) {
    case "rsa-pkcs1":
    case "rsa-pss":
      return type === "rsa";
    case "ecdsa-p256":
      return type === "ec" && curve === "prime256v1";
    case "ecdsa-p384":
      return type === "ec" && curve === "secp384r1";
  }
}

function verifyKey(suite: Suite, { key }: KnownKey): VerifyKeyObjectInput {
  switch (suite.scheme) {
    case "rsa-pkcs1":
      return { key, padding: constants.RSA_PKCS1_PADDING };
    case "rsa-pss":
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: hashBytes[suite.hash] };
    case "ecdsa-p256":
    case "ecdsa-p384":
      return { key, dsaEncoding: "der" };
  }
}
