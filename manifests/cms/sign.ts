/** Signing with one key, whichever holds it: a token, a PKCS#12 file, a test's software key. */

import { equal } from "../encoding/bytes.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import type { Suite } from "./suite.ts";
import { type ExtraAttribute, signedAttributes, signedData, signerInfo } from "./write.ts";

export interface SigningKey {
  readonly suite: Suite;
  /** DER certificate of the key */
  readonly certificate: Uint8Array;
  /** Signs the message (not its digest); the signature in CMS form: RSA octets, or DER SEQUENCE { r, s }. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export interface ToSign {
  readonly eContentType: string;
  readonly content: Uint8Array;
  readonly signingTime: Utc;
  /** certificates to embed beside the signer's own */
  readonly extraCertificates?: readonly Uint8Array[];
  readonly extra?: readonly ExtraAttribute[];
}

/** A SignedData of one signer that holds the content. */
export async function signContent(host: Host, key: SigningKey, what: ToSign): Promise<Uint8Array> {
  const messageDigest = await host.digest(key.suite.hash, what.content);
  const signer = await signDigest(host, key, { ...what, messageDigest });
  const others = (what.extraCertificates ?? []).filter((certificate) => !equal(certificate, key.certificate));
  return signedData({
    eContentType: what.eContentType,
    content: what.content,
    certificates: [key.certificate, ...others],
    signerInfos: [signer],
  });
}

/** The SignerInfo over content of which only the digest (by the suite's hash) is known: streamed or detached. */
export async function signDigest(
  host: Host,
  key: SigningKey,
  what: Omit<ToSign, "content" | "extraCertificates"> & { readonly messageDigest: Uint8Array },
): Promise<Uint8Array> {
  const attributes = signedAttributes({
    contentType: what.eContentType,
    messageDigest: what.messageDigest,
    signingTime: what.signingTime,
    certificateDigest: await host.digest("sha256", key.certificate),
    suite: key.suite,
    extra: what.extra ?? [],
  });
  const signature = await key.sign(attributes);
  return signerInfo({ certificate: key.certificate, suite: key.suite, signedAttributes: attributes, signature });
}
