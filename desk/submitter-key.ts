/** A submitter's key and certificate from PKCS#12 (RFC 7292), read with node-forge. */

import { constants, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import forge from "node-forge";
import type { SigningKey } from "../manifests/cms/sign.ts";
import type { HashName, Suite } from "../manifests/cms/suite.ts";
import { suiteForKey } from "../manifests/cms/suite-for-key.ts";
import { pemText } from "../manifests/encoding/pem.ts";
import { Refusal } from "../manifests/refusal.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import { checkIterations } from "./pkcs12-cost.ts";

export interface SubmitterKey extends SigningKey {
  /** certificates that stood beside the signer's, without the signer's */
  readonly chain: readonly Uint8Array[];
}

/**
 * Opens PKCS#12 bytes and returns the one key in it with its certificate; RSA signs with PKCS#1 v1.5 and `hash`, EC with
 * the digest of its curve. Refuses with PIN-WRONG for a wrong password and CONFIG for what is not one usable key, or asks for too many iterations.
 */
export function openPkcs12(bytes: Uint8Array, password: Uint8Array, hash: HashName): SubmitterKey {
  const bags = readBags(bytes, Buffer.from(password).toString("utf8"));
  const keys = bags.map(keyOf).filter((key) => key !== undefined);
  const certificates = bags.map(certificateOf).filter((der) => der !== undefined);
  const [key] = keys;
  if (!key || keys.length > 1) {
    throw new Refusal("CONFIG", "expected one private key in the PKCS#12 file", { got: `${keys.length} keys` });
  }
  const certificate = certificates.find((der) => belongs(der, key));
  if (!certificate) throw new Refusal("CONFIG", "the PKCS#12 file holds no certificate of its key");
  const suite = suiteFor(certificate, hash);
  return {
    suite,
    certificate,
    chain: certificates.filter((der) => der !== certificate),
    sign: async (message) => signWith(key, suite, message),
  };
}

function readBags(bytes: Uint8Array, password: string): forge.pkcs12.Bag[] {
  try {
    const asn1 = forge.asn1.fromDer(Buffer.from(bytes).toString("binary"));
    checkIterations(asn1);
    return forge.pkcs12.pkcs12FromAsn1(asn1, password).safeContents.flatMap((content) => content.safeBags);
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    const message = (cause as Error).message;
    if (/password|MAC/i.test(message)) {
      throw new Refusal("PIN-WRONG", "the password does not open the PKCS#12 file", {
        expected: "the password of the key file",
        got: "another one",
        cause,
      });
    }
    throw new Refusal("CONFIG", "the file is not PKCS#12 that can be read here", { cause });
  }
}

function keyOf(bag: forge.pkcs12.Bag): KeyObject | undefined {
  if (bag.type !== forge.pki.oids.pkcs8ShroudedKeyBag && bag.type !== forge.pki.oids.keyBag) return undefined;
  const asn1 = bag.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key)) : bag.asn1;
  const der = derOf(asn1);
  try {
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch (cause) {
    throw new Refusal("CONFIG", "the key in the PKCS#12 file is of a kind that is not known here", { cause });
  } finally {
    der.fill(0);
  }
}

function certificateOf(bag: forge.pkcs12.Bag): Uint8Array | undefined {
  if (bag.type !== forge.pki.oids.certBag) return undefined;
  return new Uint8Array(derOf(bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1));
}

function derOf(asn1: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), "binary");
}

function belongs(certificate: Uint8Array, key: KeyObject): boolean {
  try {
    return createPublicKey(pemText(certificate, "CERTIFICATE")).equals(createPublicKey(key));
  } catch {
    return false;
  }
}

function suiteFor(certificate: Uint8Array, hash: HashName): Suite {
  try {
    return suiteForKey(readCertificate(certificate).spki, hash);
  } catch (cause) {
    throw new Refusal("CONFIG", "expected an RSA, P-256 or P-384 key with its certificate", { cause });
  }
}

function signWith(key: KeyObject, suite: Suite, message: Uint8Array): Uint8Array {
  const padding = suite.scheme === "rsa-pkcs1" ? { padding: constants.RSA_PKCS1_PADDING } : {};
  return new Uint8Array(sign(suite.hash, message, { key, dsaEncoding: "der", ...padding }));
}
