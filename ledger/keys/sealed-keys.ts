/**
 * Private keys at rest: each as PKCS#8, behind a length of two bytes, under AES-256-GCM (NIST SP 800-38D) by a key that scrypt (RFC 7914) makes of a
 * passphrase. What stands in the open beside them goes in as associated data, so that nobody can put other public parts beside the same keys.
 */

import { createCipheriv, createDecipheriv, createPrivateKey, type KeyObject, randomBytes } from "node:crypto";
import { passphraseKey, type ScryptCost, scryptCost } from "../../host/passphrase-key.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { base64Bytes, integer, object, type Read } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";

const tagBytes = 16;

export const readSealed = object({
  /** the tag is the last 16 bytes */
  ciphertext: base64Bytes(64 * 1024),
  nonce: base64Bytes(12),
  salt: base64Bytes(32),
  scrypt: object({ N: integer(2, 1 << 22), p: integer(1, 16), r: integer(1, 32) }),
});
export type SealedKeys = Read<typeof readSealed>;

/** Seals the keys. `passphrase` stays the caller's to wipe; `beside` is what stands in the open. */
export async function sealKeys(
  keys: readonly KeyObject[],
  passphrase: Uint8Array,
  beside: Uint8Array,
  cost: ScryptCost = scryptCost,
): Promise<SealedKeys> {
  const [salt, nonce] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(12))];
  const plain = concat(keys.flatMap(behindLength));
  const key = await keyOf(passphrase, salt, cost);
  try {
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(beside);
    const ciphertext = concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return { ciphertext, nonce, salt, scrypt: { ...cost } };
  } finally {
    key.fill(0);
    plain.fill(0);
  }
}

/** The keys, in their order. Refuses PIN-WRONG where the passphrase is another one or something was changed, CONFIG a cost of scrypt that is none. */
export async function openKeys(
  { ciphertext, nonce, salt, scrypt: cost }: SealedKeys,
  passphrase: Uint8Array,
  beside: Uint8Array,
): Promise<readonly KeyObject[]> {
  const key = await keyOf(passphrase, salt, cost);
  let plain: Uint8Array | undefined;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(beside);
    decipher.setAuthTag(ciphertext.subarray(-tagBytes));
    plain = decipher.update(ciphertext.subarray(0, -tagBytes));
    decipher.final();
    return [...keysIn(plain)];
  } catch (cause) {
    throw new Refusal("PIN-WRONG", "the passphrase does not open the keys, or their file was changed", {
      expected: "the passphrase that the keys were made with",
      got: "another one",
      cause,
    });
  } finally {
    key.fill(0);
    plain?.fill(0);
  }
}

function behindLength(key: KeyObject): readonly Uint8Array[] {
  const der = key.export({ format: "der", type: "pkcs8" });
  return [Uint8Array.of(der.length >> 8, der.length & 0xff), der];
}

/** Only of what the tag vouched for; `plain` is wiped by the caller, whatever OpenSSL copied lives in its key. */
function* keysIn(plain: Uint8Array): Generator<KeyObject> {
  for (let at = 0; at < plain.length; ) {
    const length = ((plain[at] as number) << 8) | (plain[at + 1] as number);
    const der = Buffer.from(plain.buffer, plain.byteOffset + at + 2, length);
    yield createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    at += 2 + length;
  }
}

function keyOf(passphrase: Uint8Array, salt: Uint8Array, cost: ScryptCost): Promise<Buffer> {
  return passphraseKey(passphrase, salt, cost, ["CONFIG", "the keys' file names a cost of scrypt that is none"]);
}
