/** EnvelopedData (RFC 5652 6) with node-forge: RSAES-PKCS1-v1_5 and AES-256-CBC, which every token and `openssl cms -decrypt` open. */

import type { KeyObject } from "node:crypto";
import forge from "node-forge";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { checkStrength, readPublicKey } from "../../manifests/x509/key.ts";

/** The piece for the certificate's key, DER. Refuses PATH-USAGE, PATH-KEY (not RSA, or shorter than 2048 bits). */
export function sealEnvelope(piece: Uint8Array, certificate: Uint8Array): Uint8Array {
  checkForEncryption(certificate);
  const envelope = forge.pkcs7.createEnvelopedData();
  envelope.addRecipient(certificateOf(certificate));
  envelope.content = forge.util.createBuffer(Buffer.from(piece).toString("binary"));
  envelope.encrypt();
  return new Uint8Array(Buffer.from(forge.asn1.toDer(envelope.toAsn1()).getBytes(), "binary"));
}

/** The piece; the caller wipes it. Refuses PASSPHRASE-WRONG when the key does not open it. */
export function openEnvelope(envelope: Uint8Array, key: KeyObject, name: string): Uint8Array {
  try {
    const der = forge.util.createBuffer(Buffer.from(envelope).toString("binary"));
    const message = forge.pkcs7.messageFromAsn1(forge.asn1.fromDer(der)) as forge.pkcs7.PkcsEnvelopedData;
    const [recipient] = message.recipients;
    if (!recipient || message.recipients.length > 1) throw new Error("expected one recipient");
    message.decrypt(recipient, forge.pki.privateKeyFromPem(key.export({ type: "pkcs8", format: "pem" }) as string));
    const content = message.content as forge.util.ByteStringBuffer;
    return new Uint8Array(Buffer.from(content.getBytes(), "binary"));
  } catch (cause) {
    throw new Refusal("PASSPHRASE-WRONG", `that key does not open ${name}`, {
      expected: "the private key of the certificate that it was sealed to",
      got: "another one",
      about: name,
      cause,
    });
  }
}

function certificateOf(der: Uint8Array): forge.pki.Certificate {
  return forge.pki.certificateFromAsn1(
    forge.asn1.fromDer(forge.util.createBuffer(Buffer.from(der).toString("binary"))),
  );
}

/** A certificate for approvals is none for shares: its key usage lacks keyEncipherment. */
function checkForEncryption(der: Uint8Array): void {
  const { keyUsage, isCa, spki, subjectText } = readCertificate(der);
  const key = readPublicKey(spki);
  if (key.kind !== "rsa") {
    throw new Refusal("PATH-KEY", "shares are encrypted to RSA certificates", {
      expected: "RSA",
      got: key.kind,
      about: subjectText,
    });
  }
  checkStrength(key, 2048);
  if (isCa || !(keyUsage ?? []).includes("keyEncipherment")) {
    throw new Refusal("PATH-USAGE", "not a certificate for encryption", {
      expected: "key usage keyEncipherment",
      got: (keyUsage ?? []).join(", ") || "no key usage",
      about: subjectText,
    });
  }
}
