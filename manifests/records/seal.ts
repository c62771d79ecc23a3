/**
 * A seal: a detached CAdES-B-B signature over one document (ETSI EN 319 122-1), with two signed attributes of Coldseal's,
 * mode and place, so that every verifier sees how and under which manifest it was made (docs/formats.md, "seals").
 */

import { readSignedData, type SignerInfo } from "../cms/read.ts";
import type { Suite } from "../cms/suite.ts";
import { signedAttributes, signedData } from "../cms/write.ts";
import { fromUtf8 } from "../encoding/bytes.ts";
import { content, DerReader, tag } from "../encoding/der-read.ts";
import { integer, sequence, utf8String } from "../encoding/der-write.ts";
import { type OwnOids, oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { type Mode, modes } from "./request.ts";

export interface SealFacts {
  readonly oids: OwnOids;
  /** by the suite's hash */
  readonly documentDigest: Uint8Array;
  readonly signingTime: Utc;
  /** SHA-256 of the sealing certificate */
  readonly certificateDigest: Uint8Array;
  readonly suite: Suite;
  readonly mode: Mode;
  readonly appliance: string;
  /** the manifest's number */
  readonly number: number;
  /** in the batch, from 1 */
  readonly index: number;
}

/** A seal as read; nothing of it is verified. */
export interface Seal {
  readonly signer: SignerInfo;
  readonly certificates: readonly Uint8Array[];
  readonly mode: Mode;
  readonly appliance: string;
  readonly number: number;
  readonly index: number;
}

/** The signed attributes of a seal as DER SET OF: the exact bytes to sign. */
export function sealAttributes(facts: SealFacts): Uint8Array {
  const { oids, documentDigest, signingTime, certificateDigest, suite } = facts;
  const place = sequence(utf8String(facts.appliance), integer(facts.number), integer(facts.index));
  return signedAttributes({
    contentType: oid.data,
    messageDigest: documentDigest,
    signingTime,
    certificateDigest,
    suite,
    extra: [
      { oid: oids.mode, value: utf8String(facts.mode) },
      { oid: oids.place, value: place },
    ],
  });
}

/** The seal's file: detached SignedData with one signer and its certificates, the signer's and those up to the root. */
export function sealFile(parts: {
  readonly certificates: readonly Uint8Array[];
  readonly signerInfo: Uint8Array;
}): Uint8Array {
  return signedData({ eContentType: oid.data, certificates: parts.certificates, signerInfos: [parts.signerInfo] });
}

/**
 * Reads a seal strictly. Refuses DER, CMS-FORM (content inside), CMS-TYPE, CMS-SIGNERS (not one), and CMS-ATTRIBUTES when
 * a signed attribute is missing, unknown, or mode or place is not of its form. Unsigned attributes (added at the desk:
 * time-stamps, revocation data) are let stand and never trusted.
 */
export function readSeal(bytes: Uint8Array, oids: OwnOids): Seal {
  const data = readSignedData(bytes);
  if (data.content !== undefined) throw new Refusal("CMS-FORM", "a seal is detached: it holds no content");
  if (data.eContentType !== oid.data) {
    throw new Refusal("CMS-TYPE", "not a seal", { expected: oid.data, got: data.eContentType });
  }
  const [signer, second] = data.signers;
  if (!signer || second) throw new Refusal("CMS-SIGNERS", "a seal has one signer", { got: `${data.signers.length}` });
  const values = attributeValues(signer, oids);
  return {
    signer,
    certificates: data.certificates,
    mode: readMode(values.get(oids.mode) as Uint8Array),
    ...readPlace(values.get(oids.place) as Uint8Array),
  };
}

function attributeValues(signer: SignerInfo, oids: OwnOids): ReadonlyMap<string, Uint8Array> {
  const required = [
    oid.contentType,
    oid.messageDigest,
    oid.signingTime,
    oid.signingCertificateV2,
    oid.algorithmProtection,
    oids.mode,
    oids.place,
  ];
  const values = new Map(signer.attributes.map(({ oid: id, value }) => [id, value]));
  const missing = required.find((id) => !values.has(id));
  if (missing) throw new Refusal("CMS-ATTRIBUTES", "a seal lacks a signed attribute", { expected: missing });
  const unknown = [...values.keys()].find((id) => !required.includes(id));
  if (unknown) throw new Refusal("CMS-ATTRIBUTES", "a seal has a signed attribute that is not known", { got: unknown });
  return values;
}

function readMode(value: Uint8Array): Mode {
  const reader = new DerReader(value, { start: 0, end: value.length }, form);
  const word = fromUtf8(content(value, reader.read(tag.utf8String)), form);
  reader.finish();
  const mode = modes.find((known) => known === word);
  if (!mode) throw new Refusal(form, "a seal's mode is not known", { expected: modes.join(" or ") });
  return mode;
}

function readPlace(value: Uint8Array): { appliance: string; number: number; index: number } {
  const reader = DerReader.open(value, tag.sequence, form);
  const appliance = fromUtf8(content(value, reader.read(tag.utf8String)), form);
  const number = reader.smallInteger();
  const index = reader.smallInteger();
  reader.finish();
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(appliance) || number < 1 || index < 1) {
    throw new Refusal(form, "a seal's place is not of its form");
  }
  return { appliance, number, index };
}

const form = "CMS-ATTRIBUTES";
