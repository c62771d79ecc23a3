/** Writes PKCS#12 (RFC 7292): one key under AES-256 (PBES2) with its certificates, readable without legacy providers. */

import { createHash, createHmac, type KeyObject, randomBytes } from "node:crypto";
import { concat } from "../../manifests/encoding/bytes.ts";
import {
  der,
  derNull,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
} from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";

const shroudedKeyBag = "1.2.840.113549.1.12.10.1.2";
const certificateBag = "1.2.840.113549.1.12.10.1.3";
const x509Certificate = "1.2.840.113549.1.9.22.1";
const friendlyName = "1.2.840.113549.1.9.20";
const localKeyId = "1.2.840.113549.1.9.21";
const macIterations = 10_000;

/** A PKCS#12 file of a key, its own certificate first; certificates are not secret and stand in the clear. The password must be ASCII. */
export function pkcs12(
  key: KeyObject,
  certificates: readonly Uint8Array[],
  name: string,
  password: string,
): Uint8Array {
  const keyId = createHash("sha256")
    .update(certificates[0] as Uint8Array)
    .digest()
    .subarray(0, 20);
  const attributes = setOf(
    sequence(objectIdentifier(friendlyName), setOf(der(0x1e, utf16(name)))),
    sequence(objectIdentifier(localKeyId), setOf(octetString(keyId))),
  );
  // PKCS#8 encryption by OpenSSL: PBES2 with PBKDF2, HMAC with SHA-256 and AES-256-CBC (RFC 8018 6.2).
  const shrouded = key.export({ type: "pkcs8", format: "der", cipher: "aes-256-cbc", passphrase: password });
  const keyBags = sequence(bag(shroudedKeyBag, shrouded, attributes));
  const certificateBags = sequence(
    ...certificates.map((certificate, at) => {
      const value = sequence(objectIdentifier(x509Certificate), explicit(0, octetString(certificate)));
      return bag(certificateBag, value, at === 0 ? attributes : undefined);
    }),
  );
  const safe = sequence(data(certificateBags), data(keyBags));
  return sequence(integer(3), data(safe), mac(safe, password));
}

function bag(type: string, value: Uint8Array, attributes?: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(type), explicit(0, value), ...(attributes ? [attributes] : []));
}

function data(content: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(oid.data), explicit(0, octetString(content)));
}

/** MacData: HMAC with SHA-256 over the safe, its key derived from the password (RFC 7292 4 and B). */
function mac(safe: Uint8Array, password: string): Uint8Array {
  const salt = randomBytes(16);
  const key = macKey(password, salt);
  const value = createHmac("sha256", key).update(safe).digest();
  key.fill(0);
  const digestInfo = sequence(sequence(objectIdentifier(oid.sha256), derNull), octetString(value));
  return sequence(digestInfo, octetString(salt), integer(macIterations));
}

/** RFC 7292 B.2 for ID 3 and one block of SHA-256 (64-byte input blocks): one round makes all 32 bytes. */
function macKey(password: string, salt: Uint8Array): Uint8Array {
  const block = 64;
  const diversifier = new Uint8Array(block).fill(3);
  const secret = concat([utf16(password), Uint8Array.of(0, 0)]);
  let digest: Uint8Array = concat([diversifier, repeated(salt, block), repeated(secret, block)]);
  secret.fill(0);
  for (let round = 0; round < macIterations; round++) digest = createHash("sha256").update(digest).digest();
  return digest;
}

/** A value repeated to a whole number of blocks. */
function repeated(value: Uint8Array, block: number): Uint8Array {
  const length = block * Math.ceil(value.length / block);
  return Uint8Array.from({ length }, (_, at) => value[at % value.length] as number);
}

/** UTF-16 big-endian, as BMPString holds it. */
function utf16(text: string): Uint8Array {
  const bytes = Buffer.from(text, "utf16le");
  return bytes.swap16();
}
