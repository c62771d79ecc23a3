/** Writes PKCS#12 (RFC 7292) with node-forge: one RSA key under AES-256 with its certificates, which OpenSSL 3 reads as it is. */

import type { KeyObject } from "node:crypto";
import forge from "node-forge";
import { Refusal } from "../../manifests/refusal.ts";
import { pem } from "./test-pki.ts";

/**
 * A PKCS#12 file of a key, its own certificate first; certificates are not secret and stand in the clear. node-forge
 * knows RSA alone: key and certificates must be RSA, signed by RSA. A certificate that it would write otherwise than it
 * stands is refused with CONFIG, because the policy names certificates byte for byte.
 */
export function pkcs12(
  key: KeyObject,
  certificates: readonly Uint8Array[],
  friendlyName: string,
  password: string,
): Uint8Array {
  const privateKey = forge.pki.privateKeyFromPem(key.export({ type: "pkcs8", format: "pem" }) as string);
  const asn1 = forge.pkcs12.toPkcs12Asn1(privateKey, certificates.map(asForge), password, {
    algorithm: "aes256",
    count: 10_000,
    friendlyName,
  });
  return bytesOf(asn1);
}

function asForge(certificate: Uint8Array): forge.pki.Certificate {
  const read = forge.pki.certificateFromPem(pem("CERTIFICATE", certificate));
  if (Buffer.from(bytesOf(forge.pki.certificateToAsn1(read))).equals(certificate)) return read;
  throw new Refusal("CONFIG", "node-forge would change this certificate");
}

function bytesOf(asn1: forge.asn1.Asn1): Uint8Array {
  return new Uint8Array(Buffer.from(forge.asn1.toDer(asn1).getBytes(), "binary"));
}
