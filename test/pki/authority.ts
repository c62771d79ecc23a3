/** Throw-away certificates for tests and drills: roots, intermediates and leafs with whatever a test needs to be right or wrong. */

import { createHash, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { certificateAlgorithm } from "../../manifests/cms/algorithm.ts";
import type { SigningKey } from "../../manifests/cms/sign.ts";
import type { Suite, SuiteName } from "../../manifests/cms/suite.ts";
import {
  bitString,
  boolean,
  der,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type KeyUsage, keyUsages } from "../../manifests/x509/extensions.ts";
import { asSuite, newKey, signingKeyOf, signWith } from "./keys.ts";

export interface Issued {
  readonly certificate: Uint8Array;
  readonly key: KeyObject;
  readonly suite: Suite;
  readonly signingKey: SigningKey;
  /** DER Name */
  readonly subject: Uint8Array;
  /** DER SubjectPublicKeyInfo */
  readonly spki: Uint8Array;
}

export interface Extension {
  readonly oid: string;
  readonly critical?: boolean;
  /** DER of the value, without the OCTET STRING around it */
  readonly value: Uint8Array;
}

/** Everything but `name` may be left out. Times default to 2020 to 2040, so that most tests need not care. */
export interface Wanted {
  readonly name: string;
  /** the key's suite, ecdsa-p256-sha256 unless said */
  readonly suite?: SuiteName | Suite;
  readonly rsaBits?: number;
  /** an existing key, for a certificate that is issued again */
  readonly key?: KeyObject;
  readonly eku?: readonly string[];
  /** digitalSignature and nonRepudiation for a leaf, keyCertSign and cRLSign for a CA; `null`: no such extension */
  readonly keyUsage?: readonly KeyUsage[] | null;
  readonly notBefore?: Utc;
  readonly notAfter?: Utc;
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** more extensions; one with the OID of a usual extension replaces that */
  readonly extensions?: readonly Extension[];
  /** OIDs of usual extensions to leave out */
  readonly without?: readonly string[];
  readonly serial?: Uint8Array;
  /** DER Names instead of those made from `name` and of the issuer's subject */
  readonly subject?: Uint8Array;
  readonly issuer?: Uint8Array;
  /** DER SubjectPublicKeyInfo instead of the key's own */
  readonly spki?: Uint8Array;
  /** DER AlgorithmIdentifier instead of the issuer's */
  readonly algorithm?: Uint8Array;
}

/** A self-signed CA certificate. */
export function makeRoot(wanted: Wanted): Issued {
  const suite = asSuite(wanted.suite ?? "ecdsa-p256-sha256");
  const key = wanted.key ?? newKey(suite, wanted.rsaBits);
  return build({ ca: true, ...wanted, suite, key }, { key, suite, subject: wanted.subject ?? nameOf(wanted.name) });
}

/** A certificate signed by `issuer`; a leaf unless `ca` is set. */
export function issue(issuer: Pick<Issued, "key" | "suite" | "subject" | "spki">, wanted: Wanted): Issued {
  const suite = asSuite(wanted.suite ?? "ecdsa-p256-sha256");
  return build({ ...wanted, suite, key: wanted.key ?? newKey(suite, wanted.rsaBits) }, issuer);
}

/** The DER Name `O=Coldseal test, CN=name`. */
export function nameOf(name: string): Uint8Array {
  return sequence(attribute("2.5.4.10", "Coldseal test"), attribute("2.5.4.3", name));
}

export function pem(certificate: Uint8Array): string {
  const lines = Buffer.from(certificate).toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** Hex of the SHA-256 of a certificate, as policies revoke it. */
export function fingerprint(certificate: Uint8Array): string {
  return createHash("sha256").update(certificate).digest("hex");
}

export function keyUsageValue(usages: readonly KeyUsage[]): Uint8Array {
  const bits = [0, 0];
  for (const usage of usages) {
    const bit = keyUsages.indexOf(usage);
    bits[bit >> 3] = (bits[bit >> 3] as number) | (0x80 >> (bit & 7));
  }
  const octets = bits[1] === 0 ? bits.slice(0, 1) : bits;
  const last = octets.at(-1) as number;
  return bitString(Uint8Array.from(octets), Math.log2(last & -last));
}

type Complete = Wanted & { readonly suite: Suite; readonly key: KeyObject };

function build(wanted: Complete, issuer: { key: KeyObject; suite: Suite; subject: Uint8Array }): Issued {
  const subject = wanted.subject ?? nameOf(wanted.name);
  const spki = wanted.spki ?? spkiOf(wanted.key);
  const algorithm = wanted.algorithm ?? certificateAlgorithm(issuer.suite);
  const tbs = sequence(
    explicit(0, integer(2)),
    der(0x02, wanted.serial ?? randomSerial()),
    algorithm,
    wanted.issuer ?? issuer.subject,
    sequence(time(wanted.notBefore ?? "2020-01-01T00:00:00Z"), time(wanted.notAfter ?? "2040-01-01T00:00:00Z")),
    subject,
    spki,
    explicit(3, sequence(...extensionsOf(wanted, spki, spkiOf(issuer.key)).map(extension))),
  );
  const certificate = sequence(tbs, algorithm, bitString(signWith(issuer.key, issuer.suite, tbs)));
  const signingKey = signingKeyOf(wanted.key, wanted.suite, certificate);
  return { certificate, key: wanted.key, suite: wanted.suite, signingKey, subject, spki };
}

function extensionsOf(wanted: Complete, spki: Uint8Array, issuerSpki: Uint8Array): readonly Extension[] {
  const ca = wanted.ca ?? false;
  const usage =
    wanted.keyUsage ?? (ca ? (["keyCertSign", "cRLSign"] as const) : (["digitalSignature", "nonRepudiation"] as const));
  const length = wanted.pathLength === undefined ? [] : [integer(wanted.pathLength)];
  const usual: Extension[] = [
    { oid: oid.basicConstraints, critical: true, value: ca ? sequence(boolean(true), ...length) : sequence() },
    ...(wanted.keyUsage === null ? [] : [{ oid: oid.keyUsage, critical: true, value: keyUsageValue(usage) }]),
    ...(wanted.eku ? [{ oid: oid.extendedKeyUsage, value: sequence(...wanted.eku.map(objectIdentifier)) }] : []),
    { oid: oid.subjectKeyIdentifier, value: octetString(keyIdentifier(spki)) },
    { oid: oid.authorityKeyIdentifier, value: sequence(der(0x80, keyIdentifier(issuerSpki))) },
  ];
  const more = wanted.extensions ?? [];
  const left = usual.filter(({ oid: id }) => !more.some((one) => one.oid === id) && !wanted.without?.includes(id));
  return [...left, ...more];
}

function extension({ oid: id, critical, value }: Extension): Uint8Array {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function attribute(id: string, text: string): Uint8Array {
  return setOf(sequence(objectIdentifier(id), utf8String(text)));
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }));
}

function keyIdentifier(spki: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha1").update(spki).digest());
}

/** 16 octets, positive, no leading zero. */
function randomSerial(): Uint8Array {
  const octets = new Uint8Array(randomBytes(16));
  octets[0] = 0x40 | ((octets[0] as number) & 0x3f);
  return octets;
}
