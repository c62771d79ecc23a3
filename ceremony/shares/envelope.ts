/** EnvelopedData (RFC 5652 6) with node-forge: RSAES-PKCS1-v1_5 and AES-256-CBC, which every token and `openssl cms -decrypt` open. */

import { constants, type KeyObject, privateDecrypt } from "node:crypto";
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

/**
 * The piece; the caller wipes it. `decrypt` gives the octets that were encrypted to the certificate's key, which are wiped here. Refuses PASSPHRASE-WRONG
 * when they do not open it; refusals of `decrypt` pass.
 */
export async function openEnvelope(
  envelope: Uint8Array,
  decrypt: (ciphertext: Uint8Array) => Promise<Uint8Array>,
  name: string,
): Promise<Uint8Array> {
  let contentKey: Uint8Array | undefined;
  try {
    const der = forge.util.createBuffer(Buffer.from(envelope).toString("binary"));
    const message = forge.pkcs7.messageFromAsn1(forge.asn1.fromDer(der)) as forge.pkcs7.PkcsEnvelopedData;
    const [recipient] = message.recipients as unknown as readonly Recipient[];
    if (!recipient || message.recipients.length > 1) throw new Error("expected one recipient");
    const key = await decrypt(Uint8Array.from(Buffer.from(recipient.encryptedContent.content, "binary")));
    contentKey = key;
    const known = { decrypt: () => Buffer.from(key).toString("binary") };
    message.decrypt(recipient as never, known as unknown as forge.pki.rsa.PrivateKey);
    const content = message.content as forge.util.ByteStringBuffer;
    return new Uint8Array(Buffer.from(content.getBytes(), "binary"));
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal("PASSPHRASE-WRONG", `that key does not open ${name}`, {
      expected: "the private key of the certificate that it was sealed to",
      got: "another one",
      about: name,
      cause,
    });
  } finally {
    contentKey?.fill(0);
  }
}

/** Of node-forge's recipients, what its types leave out. */
interface Recipient {
  /** octets as a binary string */
  readonly encryptedContent: { readonly content: string };
}

/** RSAES-PKCS1-v1_5 by a private key in this process. Where the padding is wrong, some other octets (RFC 8017 7.2.2, note). */
export function decryptByFile(key: KeyObject, ciphertext: Uint8Array): Uint8Array {
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, ciphertext);
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
