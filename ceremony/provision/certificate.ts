/** Issues the test PKI's certificates (RFC 5280), as DER written by our own writer. */

import { type KeyObject, randomBytes, sign } from "node:crypto";
import { sha256 } from "../../host/crypto-host.ts";
import {
  bitString,
  boolean,
  der,
  derNull,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  unsignedInteger,
  utf8String,
} from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";

/** An RSA key in software with its certificate: what signs others. */
export interface Issuer {
  readonly key: KeyObject;
  readonly name: Uint8Array;
  readonly spki: Uint8Array;
  readonly certificate: Uint8Array;
}

/** What a certificate may be used for. `digitalSignature` always; extended key usages are OIDs. */
export interface Usage {
  readonly authority: boolean;
  readonly contentCommitment: boolean;
  readonly extended: readonly string[];
  /** whether it is for these alone (RFC 3161 2.3); not unless said */
  readonly critical?: boolean;
}

export interface Validity {
  readonly from: Utc;
  readonly to: Utc;
}

const organizationName = "2.5.4.10";
const commonName = "2.5.4.3";

/** A name of an organisation and a common name, RFC 5280 4.1.2.4. */
export function nameOf(organization: string, common: string): Uint8Array {
  const attribute = (type: string, value: string) => setOf(sequence(objectIdentifier(type), utf8String(value)));
  return sequence(attribute(organizationName, organization), attribute(commonName, common));
}

/** A certificate of `spki` for `subject`, signed by the issuer with RSA PKCS#1 v1.5 and SHA-256. */
export function issueCertificate(request: {
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly usage: Usage;
  readonly validity: Validity;
  readonly issuer: Pick<Issuer, "key" | "name" | "spki">;
}): Uint8Array {
  const { subject, spki, usage, validity, issuer } = request;
  const algorithm = sequence(objectIdentifier(oid.sha256WithRsa), derNull);
  const toBeSigned = sequence(
    explicit(0, integer(2)),
    unsignedInteger(serialNumber()),
    algorithm,
    issuer.name,
    sequence(time(validity.from), time(validity.to)),
    subject,
    spki,
    explicit(3, sequence(...extensions(usage, spki, issuer.spki))),
  );
  const signature = sign("sha256", toBeSigned, issuer.key);
  return sequence(toBeSigned, algorithm, bitString(signature));
}

/** 127 random bits: positive, at most 20 octets (RFC 5280 4.1.2.2). */
function serialNumber(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  return serial;
}

function extensions(usage: Usage, spki: Uint8Array, issuerSpki: Uint8Array): Uint8Array[] {
  const basic = usage.authority ? sequence(boolean(true)) : sequence();
  const all = [
    extension(oid.basicConstraints, true, basic),
    extension(oid.keyUsage, true, keyUsage(usage)),
    extension(oid.subjectKeyIdentifier, false, octetString(keyIdentifier(spki))),
    extension(oid.authorityKeyIdentifier, false, sequence(der(0x80, keyIdentifier(issuerSpki)))),
  ];
  if (usage.extended.length === 0) return all;
  return [
    ...all,
    extension(oid.extendedKeyUsage, usage.critical === true, sequence(...usage.extended.map(objectIdentifier))),
  ];
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** KeyUsage bits, RFC 5280 4.2.1.3: digitalSignature 0, contentCommitment 1; keyCertSign 5 and cRLSign 6 for an authority. */
function keyUsage(usage: Usage): Uint8Array {
  if (usage.authority) return bitString(Uint8Array.of(0x06), 1);
  return usage.contentCommitment ? bitString(Uint8Array.of(0xc0), 6) : bitString(Uint8Array.of(0x80), 7);
}

/** Leftmost 160 bits of SHA-256 over the SubjectPublicKeyInfo (RFC 7093 2, method 4). */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  return sha256(spki).slice(0, 20);
}
