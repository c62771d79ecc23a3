/** What a browser supplies to `manifests/`: signature checks by WebCrypto, digests of streams by noble's hashes, which WebCrypto has none for. */

import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { ecdsaToRaw } from "../../manifests/cms/ecdsa.ts";
import { type HashName, hashBytes, type Suite } from "../../manifests/cms/suite.ts";
import type { Hasher, Host } from "../../manifests/host.ts";
import { Refusal } from "../../manifests/refusal.ts";

const hashes = { sha256, sha384, sha512 } as const;
const webNames: Readonly<Record<HashName, string>> = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };

export const browserHost: Host = {
  digest: async (name, bytes) => hashes[name](bytes),
  hasher: (name) => new NobleHasher(name),
  sha1: async (bytes) => sha1(bytes),
  verify: async (suite, spki, message, signature) => {
    try {
      const key = await publicKey(suite, spki);
      return await crypto.subtle.verify(parameters(suite), key, own(inWebForm(suite, signature)), own(message));
    } catch {
      return false; // a key or signature that WebCrypto cannot read holds nothing
    }
  },
  verifyEd25519: async (key, message, signature) => {
    if (key.length !== 32 || signature.length !== 64) return false;
    try {
      const imported = await crypto.subtle.importKey("raw", own(key), "Ed25519", false, ["verify"]);
      return await crypto.subtle.verify("Ed25519", imported, own(signature), own(message));
    } catch (cause) {
      if (isUnsupported(cause))
        throw new Refusal("LOG-NOTE", "this browser cannot check Ed25519 signatures", { cause });
      return false; // a key that WebCrypto cannot read holds nothing
    }
  },
};

/** A browser too old for it must not say of a signature that it does not hold. */
function isUnsupported(fault: unknown): boolean {
  return fault instanceof DOMException && fault.name === "NotSupportedError";
}

class NobleHasher implements Hasher {
  readonly #hash: ReturnType<typeof sha256.create> | ReturnType<typeof sha512.create>;

  constructor(name: HashName) {
    this.#hash = hashes[name].create();
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

/** Public keys are imported once; a bundle has few. */
const keys = new Map<string, ReturnType<typeof importKey>>();

function publicKey(suite: Suite, spki: Uint8Array): ReturnType<typeof importKey> {
  const id = `${suite.name} ${spki.toBase64()}`;
  const held = keys.get(id);
  if (held) return held;
  const key = importKey(suite, spki);
  keys.set(id, key);
  return key;
}

function importKey(suite: Suite, spki: Uint8Array) {
  return crypto.subtle.importKey("spki", own(spki), importParameters(suite), false, ["verify"]);
}

function importParameters({ hash, scheme }: Suite) {
  switch (scheme) {
    case "rsa-pkcs1":
      return { name: "RSASSA-PKCS1-v1_5", hash: webNames[hash] };
    case "rsa-pss":
      return { name: "RSA-PSS", hash: webNames[hash] };
    case "ecdsa-p256":
      return { name: "ECDSA", namedCurve: "P-256" };
    case "ecdsa-p384":
      return { name: "ECDSA", namedCurve: "P-384" };
  }
}

function parameters({ hash, scheme }: Suite) {
  switch (scheme) {
    case "rsa-pkcs1":
      return { name: "RSASSA-PKCS1-v1_5" };
    case "rsa-pss":
      return { name: "RSA-PSS", saltLength: hashBytes[hash] };
    case "ecdsa-p256":
    case "ecdsa-p384":
      return { name: "ECDSA", hash: webNames[hash] };
  }
}

function inWebForm({ scheme }: Suite, signature: Uint8Array): Uint8Array {
  return scheme === "ecdsa-p256" || scheme === "ecdsa-p384" ? ecdsaToRaw(scheme, signature) : signature;
}

/** Bytes that are a whole buffer of their own, as the types of WebCrypto ask for. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}
