/** The key that vouches for a package: a private key in a PEM file, as those who build have it. */

import { constants, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { faultWords } from "../../host/fault-words.ts";
import type { SigningKey } from "../../manifests/cms/sign.ts";
import { suiteForKey } from "../../manifests/cms/suite-for-key.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";

/**
 * RSA keys sign PKCS#1 v1.5, the same each time; EC keys sign anew each time. Refuses with CONFIG what cannot be read, and a
 * certificate of another key; with PATH-KEY other kinds of keys.
 */
export function signingKeyOf(keyFile: string, certificateFile: string): SigningKey {
  const certificate = readCertificateFile(certificateFile);
  const { spki } = readCertificate(certificate);
  const key = privateKey(keyFile);
  const own = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
  if (!equal(own, spki)) {
    throw new Refusal("CONFIG", "key and certificate do not belong together", {
      expected: "the certificate of the key",
      got: `${certificateFile}, of another key`,
    });
  }
  const suite = suiteForKey(spki, "sha256");
  const padding = suite.scheme === "rsa-pkcs1" ? { padding: constants.RSA_PKCS1_PADDING } : {};
  return {
    suite,
    certificate,
    sign: async (message) => new Uint8Array(sign(suite.hash, message, { key, dsaEncoding: "der", ...padding })),
  };
}

function privateKey(file: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw new Refusal("CONFIG", "the key file cannot be used", {
      expected: "a private key as PEM, not encrypted",
      got: faultWords(cause),
      about: file,
      cause,
    });
  }
}
