/** Plain envelopes made in software, right or wrong, in DER or in whatever BER a test wants. */

import { digestOf, nodeHost } from "../../host/crypto-host.ts";
import { signDigest } from "../../manifests/cms/sign.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { signedData } from "../../manifests/cms/write.ts";
import { concat, utf8 } from "../../manifests/encoding/bytes.ts";
import { der, integer, objectIdentifier, octetString, setOf } from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { broughtLine } from "../../manifests/records/plain-list.ts";
import type { Issued } from "./authority.ts";

export interface Over {
  readonly signingTime?: Utc;
  /** beside the signer's own */
  readonly certificates?: readonly Uint8Array[];
  /** what is signed instead of the digest of the content */
  readonly digest?: Uint8Array;
}

/** What an envelope consists of, before it is encoded. */
export interface EnvelopeParts {
  readonly content: Uint8Array;
  readonly hash: HashName;
  readonly certificates: readonly Uint8Array[];
  readonly signerInfos: readonly Uint8Array[];
}

export async function envelopeParts(
  signer: Issued,
  content: string | Uint8Array,
  { signingTime = "2026-11-23T11:00:00Z", certificates = [], digest }: Over = {},
): Promise<EnvelopeParts> {
  const bytes = typeof content === "string" ? utf8(content) : content;
  const { hash } = signer.suite;
  const messageDigest = digest ?? digestOf(hash, bytes);
  const info = await signDigest(nodeHost, signer.signingKey, { eContentType: oid.data, signingTime, messageDigest });
  return { content: bytes, hash, certificates: [signer.certificate, ...certificates], signerInfos: [info] };
}

/** In DER, content inside. */
export function inDer({ content, certificates, signerInfos }: EnvelopeParts): Uint8Array {
  return signedData({ eContentType: oid.data, content, certificates, signerInfos });
}

/** As intake hands it over. */
export function withoutContent({ certificates, signerInfos }: EnvelopeParts): Uint8Array {
  return signedData({ eContentType: oid.data, certificates, signerInfos });
}

/** An element of indefinite length. */
export function indefinite(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return concat([Uint8Array.of(tag, 0x80), ...parts, Uint8Array.of(0, 0)]);
}

/** Octets in pieces, nested at will: a list is a constructed OCTET STRING. */
export type Pieces = Uint8Array | readonly Pieces[];

/** How every constructed element outside of certificates and SignerInfos is written; `indefinite` unless said. */
export type Wrap = (tag: number, ...parts: readonly Uint8Array[]) => Uint8Array;

export interface BerChanges {
  readonly wrap?: Wrap;
  /** the content, as it is cut up; whole unless said */
  readonly pieces?: Pieces;
  readonly eContentType?: string;
  /** no content at all */
  readonly detached?: boolean;
  readonly crls?: Uint8Array;
  readonly version?: number;
}

export function octetsIn(pieces: Pieces, wrap: Wrap = indefinite): Uint8Array {
  return pieces instanceof Uint8Array ? octetString(pieces) : wrap(0x24, ...pieces.map((one) => octetsIn(one, wrap)));
}

export function inBer(parts: EnvelopeParts, changes: BerChanges = {}): Uint8Array {
  const { wrap = indefinite, pieces = [parts.content], eContentType = oid.data, detached = false } = changes;
  const content = detached ? [] : [wrap(0xa0, octetsIn(pieces, wrap))];
  return wrap(
    0x30,
    objectIdentifier(oid.signedData),
    wrap(
      0xa0,
      wrap(
        0x30,
        integer(changes.version ?? 1),
        setOf(der(0x30, objectIdentifier(oid[parts.hash]), Uint8Array.of(5, 0))),
        wrap(0x30, objectIdentifier(eContentType), ...content),
        ...(parts.certificates.length === 0 ? [] : [wrap(0xa0, ...parts.certificates)]),
        ...(changes.crls ? [changes.crls] : []),
        wrap(0x31, ...parts.signerInfos),
      ),
    ),
  );
}

export function armoured(bytes: Uint8Array, label = "CMS", end = "\n"): Uint8Array {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return utf8([`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join(end));
}

export function smime(
  bytes: Uint8Array,
  end = "\r\n",
  type = "application/pkcs7-mime; smime-type=signed-data",
): Uint8Array {
  const lines = bytes.toBase64().match(/.{1,76}/g) ?? [];
  const head = [
    "MIME-Version: 1.0",
    `Content-Type: ${type};`,
    ' name="smime.p7m"',
    "Content-Transfer-Encoding: base64",
  ];
  return utf8([...head, "", ...lines, ""].join(end));
}

export interface BroughtDocument {
  readonly file: string;
  readonly name?: string;
  readonly content: string | Uint8Array;
  readonly size?: number;
  readonly over?: Over;
  readonly signer?: Issued;
  readonly envelope?: Uint8Array;
}

/** The lines by which intake hands envelopes over, in the order given. */
export async function broughtBy(signer: Issued, documents: readonly BroughtDocument[]): Promise<Uint8Array> {
  const lines: Uint8Array[] = [];
  for (const { file, name, content, size, over = {}, ...one } of documents) {
    const parts = await envelopeParts(one.signer ?? signer, content, over);
    lines.push(
      broughtLine({
        envelope: one.envelope ?? withoutContent(parts),
        file,
        name: name ?? file.replace(/\.p7m$/, ""),
        size: size ?? parts.content.length,
      }),
    );
  }
  return concat(lines);
}
