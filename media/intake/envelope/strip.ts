/**
 * From an envelope as any tool writes it (RFC 5652 in BER, PEM or S/MIME) to its content, as a stream, and the envelope
 * without content in strict DER, which is all that goes on to the signer. Certificates and signed attributes pass byte for
 * byte; what else of the one SignerInfo was BER is written anew; unsigned attributes and CRLs are left out.
 */

import { readDigest } from "../../../manifests/cms/digest.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import { signedData } from "../../../manifests/cms/write.ts";
import { oidText } from "../../../manifests/encoding/der-read.ts";
import { der, integer, octetString, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { readStripped } from "../../../manifests/records/plain-envelope.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { certificateLimit } from "../../../manifests/x509/certificate.ts";
import { unarmoured } from "./armour.ts";
import { BerReader, form } from "./ber-reader.ts";
import { ByteSource } from "./byte-source.ts";

const tags = {
  integer: 0x02,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  first: 0xa0,
  second: 0xa1,
} as const;

const most = { algorithm: 1024, algorithms: 16, certificates: 16, name: 4096, signature: 2048, attributes: 16_384 };
/** CRLs and unsigned attributes, which are left out. */
const leftOut = 256 * 1024;

export interface ContentSink {
  /** Told before the content which digests of it the envelope names; none of ours, when it is empty. */
  begin(hashes: readonly HashName[]): void;
  /** A piece of the content. Its memory may be used again afterwards. */
  write(bytes: Uint8Array): void;
}

/**
 * Reads one envelope to the end of its file and gives it without content; nothing of it is verified but its form. Refuses
 * ENVELOPE-FORM, CMS-TYPE (no SignedData, or not of id-data), CMS-SIGNERS (none or several), and what `readStripped` refuses.
 */
export function strip(pieces: Iterable<Uint8Array>, sink: ContentSink): Uint8Array {
  const ber = new BerReader(new ByteSource(unarmoured(pieces)));
  ber.enter(tags.sequence);
  checkType(ber, oid.signedData, "not a CMS SignedData");
  ber.enter(tags.first);
  ber.enter(tags.sequence);
  ber.primitive(tags.integer, 4);
  sink.begin(readHashes(ber));
  passContent(ber, sink);
  const certificates = readCertificates(ber);
  if (ber.next() === tags.second) ber.skip(leftOut);
  const signer = readOnlySigner(ber);
  for (let level = 0; level < 3; level++) ber.leave();
  ber.finish();
  const stripped = signedData({ eContentType: oid.data, certificates, signerInfos: [signer] });
  readStripped(stripped);
  return stripped;
}

function checkType(ber: BerReader, expected: string, message: string): void {
  const got = oidText(ber.primitive(tags.oid, 64));
  if (got !== expected) throw new Refusal("CMS-TYPE", message, { expected, got });
}

/** The digests that are named before the content. One that is not allowed is refused when it is the signer's. */
function readHashes(ber: BerReader): readonly HashName[] {
  const hashes = new Set<HashName>();
  ber.enter(tags.set);
  for (let count = 0; ber.more(); count++) {
    if (count === most.algorithms) throw form("too many digest algorithms");
    const hash = allowed(ber.inDer(most.algorithm));
    if (hash) hashes.add(hash);
  }
  ber.leave();
  return [...hashes];
}

function allowed(algorithm: Uint8Array): HashName | undefined {
  try {
    return readDigest(algorithm);
  } catch {
    return undefined;
  }
}

function passContent(ber: BerReader, sink: ContentSink): void {
  ber.enter(tags.sequence);
  checkType(ber, oid.data, "the content is not of type data");
  if (!ber.more()) throw form("the envelope holds no content: sign with the document inside, not detached");
  ber.enter(tags.first);
  for (const bytes of ber.octets()) sink.write(bytes);
  ber.leave();
  ber.leave();
}

function readCertificates(ber: BerReader): readonly Uint8Array[] {
  const certificates: Uint8Array[] = [];
  if (ber.next() !== tags.first) return certificates;
  ber.enter(tags.first);
  while (ber.more()) {
    if (ber.next() !== tags.sequence) throw form("only X.509 certificates may stand in the envelope");
    if (certificates.length === most.certificates) throw form(`more than ${most.certificates} certificates`);
    certificates.push(ber.whole(certificateLimit));
  }
  ber.leave();
  return certificates;
}

function readOnlySigner(ber: BerReader): Uint8Array {
  ber.enter(tags.set);
  if (!ber.more()) throw new Refusal("CMS-SIGNERS", "nobody signed this", { expected: "1", got: "0" });
  const signer = readSigner(ber);
  if (ber.more()) throw new Refusal("CMS-SIGNERS", "an envelope has one signer", { expected: "1", got: "more" });
  ber.leave();
  return signer;
}

/** One SignerInfo (RFC 5652 5.3) as DER of version 1, without unsigned attributes. */
function readSigner(ber: BerReader): Uint8Array {
  ber.enter(tags.sequence);
  ber.primitive(tags.integer, 4);
  if (ber.next() !== tags.sequence) throw form("the signer is not named by issuer and serial number");
  ber.enter(tags.sequence);
  const issuer = ber.inDer(most.name);
  const serial = ber.primitive(tags.integer, 64);
  ber.leave();
  const digestAlgorithm = ber.inDer(most.algorithm);
  if (ber.next() !== tags.first) throw new Refusal("CMS-ATTRIBUTES", "there are no signed attributes");
  const attributes = ber.whole(most.attributes);
  const signatureAlgorithm = ber.inDer(most.algorithm);
  const signature = joined(ber.octets());
  if (ber.next() === tags.second) ber.skip(leftOut);
  ber.leave();
  const identifier = sequence(issuer, der(tags.integer, serial));
  return sequence(integer(1), identifier, digestAlgorithm, attributes, signatureAlgorithm, octetString(signature));
}

function joined(pieces: Iterable<Uint8Array>): Uint8Array {
  const out: number[] = [];
  for (const piece of pieces) {
    if (out.length + piece.length > most.signature) throw form("a signature is too long");
    out.push(...piece);
  }
  return Uint8Array.from(out);
}
