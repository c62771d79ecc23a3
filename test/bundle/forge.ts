/** What a liar, or a careless tool, that holds a key can sign: a SignedData of which every part can be replaced. */

import { digestAlgorithm, signatureAlgorithm } from "../../manifests/cms/algorithm.ts";
import { compare } from "../../manifests/encoding/bytes.ts";
import {
  der,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
} from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import { issuerAndSerial } from "../../manifests/x509/certificate.ts";
import type { Issued } from "../pki/authority.ts";
import { signWith } from "../pki/keys.ts";

export interface Forged {
  readonly signer: Issued;
  readonly contentType: string;
  /** encoded, the OCTET STRING; undefined: detached */
  readonly content: Uint8Array | undefined;
  /** what is signed where there are no signed attributes */
  readonly document: Uint8Array;
  /** encoded, in the order in which they are to stand; null: no signed attributes */
  readonly attributes: readonly Uint8Array[] | null;
  /** what stands for the attributes in the SignerInfo; their bytes under [0] unless said */
  readonly attributesAs?: Uint8Array;
  readonly unsigned?: readonly Uint8Array[];
  readonly version?: number;
  readonly signerVersion?: number;
  readonly identifier?: Uint8Array;
  /** encoded AlgorithmIdentifiers */
  readonly digest?: Uint8Array;
  readonly signature?: Uint8Array;
  readonly sign?: (message: Uint8Array) => Uint8Array;
  readonly signatureValue?: Uint8Array;
  readonly digests?: Uint8Array;
  /** in the order in which they are to stand, the signer's own unless said; null: no set of certificates */
  readonly certificates?: readonly Uint8Array[] | null;
  readonly afterCertificates?: Uint8Array;
  readonly signers?: (signer: Uint8Array) => Uint8Array;
  readonly type?: string;
}

/** The file, and its SignerInfo. The signature holds over the attributes, whatever they are. */
export function forge(parts: Forged): { readonly file: Uint8Array; readonly info: Uint8Array } {
  const { signer, attributes, contentType, content } = parts;
  const message = attributes === null ? parts.document : der(0x31, ...attributes);
  const { issuer, serial } = issuerAndSerial(signer.certificate);
  const digest = parts.digest ?? digestAlgorithm(signer.suite.hash);
  const sign = parts.sign ?? ((bytes: Uint8Array) => signWith(signer.key, signer.suite, bytes));
  const info = sequence(
    integer(parts.signerVersion ?? 1),
    parts.identifier ?? sequence(issuer, der(0x02, serial)),
    digest,
    ...(attributes === null ? [] : [parts.attributesAs ?? explicit(0, ...attributes)]),
    parts.signature ?? signatureAlgorithm(signer.suite),
    octetString(parts.signatureValue ?? sign(message)),
    ...(parts.unsigned ? [explicit(1, ...parts.unsigned)] : []),
  );
  const certificates = parts.certificates === undefined ? [signer.certificate] : parts.certificates;
  const inner = sequence(
    integer(parts.version ?? (contentType === oid.data ? 1 : 3)),
    parts.digests ?? setOf(digest),
    sequence(objectIdentifier(contentType), ...(content === undefined ? [] : [explicit(0, content)])),
    ...(certificates === null ? [] : [explicit(0, ...certificates)]),
    ...(parts.afterCertificates ? [parts.afterCertificates] : []),
    parts.signers ? parts.signers(info) : setOf(info),
  );
  return { file: sequence(objectIdentifier(parts.type ?? oid.signedData), explicit(0, inner)), info };
}

export function attribute(id: string, ...values: readonly Uint8Array[]): Uint8Array {
  return sequence(objectIdentifier(id), setOf(...values));
}

/** In DER order. */
export function inOrder(encodings: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...encodings].sort(compare);
}
