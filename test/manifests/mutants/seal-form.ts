/** Seals whose structure is not what it should be (T6, T7). */

import { digestAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { content, readElement, whole } from "../../../manifests/encoding/der-read.ts";
import {
  der,
  derNull,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { attribute } from "../../bundle/forge.ts";
import { type audit, oids } from "../../bundle/people.ts";
import { pem } from "../../pki/authority.ts";
import { type Change, type Mutant, sealFile } from "./mutant.ts";
import { sealWith, withParts } from "./seal-forge.ts";

const seal = (
  threat: string,
  title: string,
  ours: Mutant["ours"],
  openssl: Mutant["openssl"],
  make: Mutant["make"],
): Mutant => ({ title: `seal: ${title}`, threat, ours, openssl, file: sealFile, make });

/** The right seal, its file changed afterwards. */
const refiled =
  (change: (file: Uint8Array) => Uint8Array): (() => Change) =>
  () => ({
    seal: (facts, sealer, document) => {
      const { file, info } = sealWith(facts, sealer, document, {});
      return { file: change(file), info };
    },
  });

/** The same element with its length in one byte more than it needs. */
function longer(element: Uint8Array): Uint8Array {
  const octets = content(element, readElement(element, 0));
  const size = octets.length.toString(16);
  const even = size.padStart(size.length + (size.length % 2), "0");
  const length = Uint8Array.fromHex(`00${even}`);
  return concat([Uint8Array.of(element[0] as number, 0x80 | length.length), length, octets]);
}

/** The same with indefinite lengths in the outer elements, as BER allows. */
function indefinite(file: Uint8Array): Uint8Array {
  const outer = readElement(file, 0);
  const type = readElement(file, outer.start);
  const end = Uint8Array.of(0, 0);
  const rest = content(file, readElement(file, type.end));
  return concat([Uint8Array.of(0x30, 0x80), whole(file, type), Uint8Array.of(0xa0, 0x80), rest, end, end]);
}

const forms: readonly Mutant[] = [
  seal(
    "T6",
    "a byte after its end",
    "DER",
    "accepts",
    refiled((file) => Uint8Array.of(...file, 0)),
  ),
  seal(
    "T6",
    "two seals in one file",
    "DER",
    "accepts",
    refiled((file) => concat([file, file])),
  ),
  seal("T6", "a length in more bytes than it needs", "DER", "accepts", refiled(longer)),
  seal("T6", "indefinite lengths", "DER", "accepts", refiled(indefinite)),
  seal(
    "T6",
    "PEM in place of DER",
    "CMS-FORM",
    "refuses",
    refiled((file) => utf8(pem(file).replaceAll("CERTIFICATE", "CMS"))),
  ),
  seal(
    "T6",
    "its last byte missing",
    "DER",
    "refuses",
    refiled((file) => file.subarray(0, -1)),
  ),
  seal(
    "T6",
    "empty",
    "DER",
    "refuses",
    refiled(() => new Uint8Array(0)),
  ),
  seal("T6", "version 3", "CMS-FORM", "accepts", withParts({ version: 3 })),
  seal("T6", "version 5", "CMS-FORM", "accepts", withParts({ version: 5 })),
  seal("T6", "no digest algorithm", "CMS-FORM", "refuses", withParts({ digests: setOf() })),
  seal(
    "T6",
    "a digest algorithm that nobody uses beside its own",
    "CMS-FORM",
    "accepts",
    withParts({ digests: setOf(digestAlgorithm("sha256"), digestAlgorithm("sha512")) }),
  ),
  seal(
    "T6",
    "another digest algorithm in the list than its own",
    "CMS-FORM",
    "refuses",
    withParts({ digests: setOf(digestAlgorithm("sha512")) }),
  ),
  seal("T6", "revocation data", "CMS-FORM", "refuses", withParts({ afterCertificates: explicit(1, sequence()) })),
  seal(
    "T6",
    "the document inside as well",
    "CMS-FORM",
    "accepts",
    withParts({ content: octetString(utf8("%PDF-1.7 one")) }),
  ),
  seal("T8", "content type of a manifest throughout", "CMS-TYPE", "accepts", () => ({
    seal: (facts, sealer, document) =>
      sealWith(facts, sealer, document, {
        attributes: { contentType: attribute(oid.contentType, objectIdentifier(oids.manifest)) },
        parts: { contentType: oids.manifest },
      }),
  })),
  seal("T6", "enveloped as another type of CMS", "CMS-TYPE", "refuses", withParts({ type: "1.2.840.113549.1.7.5" })),
];

/** Another SignerInfo beside the seal's, in its file only. */
const second =
  (by: typeof audit | undefined): (() => Change) =>
  () => ({
    seal: (facts, sealer, document) => {
      const other = sealWith({ ...facts, index: 2 }, by ?? sealer, document, {}).info;
      const certificates = by ? { certificates: [sealer, by].map(({ certificate }) => certificate) } : {};
      return sealWith(facts, sealer, document, { parts: { ...certificates, signers: (info) => setOf(info, other) } });
    },
  });

const pretended = attribute(oids.mode, utf8String("emergency"));
const signers: readonly Mutant[] = [
  seal("T7", "no signer", "CMS-SIGNERS", "refuses", withParts({ signers: () => setOf() })),
  seal("T7", "two signatures of the sealing key", "CMS-SIGNERS", "accepts", second(undefined)),
  seal("T7", "one signature twice", "DER", "accepts", withParts({ signers: (info) => der(0x31, info, info) })),
  seal("T7", "a signer that is no SEQUENCE", "CMS-FORM", "refuses", withParts({ signers: () => setOf(derNull) })),
  seal("T7", "signer of version 3 named by issuer and number", "CMS-FORM", "accepts", withParts({ signerVersion: 3 })),
  seal(
    "T7",
    "an unsigned attribute that claims another mode, never trusted",
    "holds",
    "accepts",
    unsigned([pretended]),
  ),
  seal(
    "T7",
    "an unsigned attribute that claims another time, never trusted",
    "holds",
    "refuses",
    unsigned([attribute(oid.signingTime, time("2026-11-01T00:00:00Z"))]),
  ),
  seal("T7", "an empty set of unsigned attributes", "CMS-FORM", "accepts", withParts({ unsigned: [] })),
  seal("T7", "unsigned attributes without form", "CMS-FORM", "refuses", withParts({ unsigned: [derNull] })),
  seal(
    "T7",
    "seventeen unsigned attributes",
    "CMS-FORM",
    "accepts",
    withParts({ unsigned: Array.from({ length: 17 }, (_, n) => attribute(`1.2.3.${n}`, integer(n))) }),
  ),
];

/** documents.jsonl lists the SignerInfo without them, as it stood when the box listed it. */
function unsigned(attributes: readonly Uint8Array[]): () => Change {
  return () => ({
    seal: (facts, sealer, document) => {
      const plain = sealWith(facts, sealer, document, {});
      const signatureValue = lastOctets(plain.info);
      const { file } = sealWith(facts, sealer, document, { parts: { unsigned: attributes, signatureValue } });
      return { file, info: plain.info };
    },
  });
}

/** What the last element in a SEQUENCE holds. */
function lastOctets(encoded: Uint8Array): Uint8Array {
  const outer = readElement(encoded, 0);
  let last = readElement(encoded, outer.start);
  while (last.end < outer.end) last = readElement(encoded, last.end);
  return content(encoded, last);
}

export const sealFormMutants: readonly Mutant[] = [...forms, ...signers];
