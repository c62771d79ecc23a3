/** Signed envelopes made for tests: right ones for each suite, and ones wrong in one place, re-signed so that only that is wrong. */

import { digestOf, nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { digestAlgorithm, signatureAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { readSignedData, type SignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import type { SuiteName } from "../../../manifests/cms/suite.ts";
import { type VerifiedSigner, verifySigner } from "../../../manifests/cms/verify.ts";
import { algorithmProtection } from "../../../manifests/cms/write.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import {
  der,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { issuerAndSerial } from "../../../manifests/x509/certificate.ts";
import { type Issued, issue, makeRoot } from "../../pki/authority.ts";
import { signWith } from "../../pki/keys.ts";

export const type = "1.3.6.1.4.1.32473.1.1";
export const body = utf8('{"batch":"one"}');
export const at = "2026-11-23T12:00:00Z";
export const root = makeRoot({ name: "Root" });

const signers = new Map<SuiteName, Issued>();

/** One signer for each suite, made once. */
export function signerFor(suite: SuiteName): Issued {
  const held = signers.get(suite);
  if (held) return held;
  const made = issue(root, { name: `Signer ${suite}`, suite, eku: ["1.3.6.1.4.1.32473.1.34"] });
  signers.set(suite, made);
  return made;
}

export function signed(suite: SuiteName = "ecdsa-p256-sha256", content = body): Promise<Uint8Array> {
  return signContent(nodeHost, signerFor(suite).signingKey, { eContentType: type, content, signingTime: at });
}

/** Reads and verifies everything in an envelope that holds its content. */
export async function verifyAll(bytes: Uint8Array, content = body): Promise<readonly VerifiedSigner[]> {
  const data = readSignedData(bytes);
  return Promise.all(data.signers.map((_, index) => verifyOne(data, index, data.content ?? content)));
}

export function verifyOne(data: SignedData, index = 0, content = body): Promise<VerifiedSigner> {
  const signer = data.signers[index];
  if (!signer) throw new Error("no such signer");
  return verifySigner(nodeHost, signer, {
    certificates: data.certificates,
    eContentType: data.eContentType,
    contentDigest: async (hash) => digestOf(hash, content),
  });
}

/** The code of the refusal, "accepted", or what else was thrown (which no test may accept). */
export async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return "accepted";
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.code : `threw ${String(thrown)}`;
  }
}

export function attribute(id: string, ...values: readonly Uint8Array[]): Uint8Array {
  return sequence(objectIdentifier(id), setOf(...values));
}

/** The attributes of a right signature, by name, so that a test can change one. */
export function usualAttributes(signer: Issued, content = body): Record<string, Uint8Array> {
  return {
    contentType: attribute(oid.contentType, objectIdentifier(type)),
    messageDigest: attribute(oid.messageDigest, octetString(digestOf(signer.suite.hash, content))),
    signingTime: attribute(oid.signingTime, time(at)),
    signingCertificate: attribute(oid.signingCertificateV2, signingCertificate(sha256(signer.certificate))),
    protection: attribute(oid.algorithmProtection, algorithmProtection(signer.suite)),
  };
}

export function signingCertificate(digest: Uint8Array): Uint8Array {
  return sequence(sequence(sequence(octetString(digest))));
}

/** What an attacker, or a careless tool, that holds the key can sign: every part can be replaced. */
export interface Parts {
  readonly signer?: Issued;
  /** encoded attributes in the order in which they are to stand; null: no signed attributes */
  readonly attributes?: readonly Uint8Array[] | null;
  readonly unsigned?: readonly Uint8Array[];
  readonly version?: number;
  readonly signerVersion?: number;
  readonly identifier?: Uint8Array;
  readonly digest?: Uint8Array;
  readonly signature?: Uint8Array;
  readonly signatureValue?: Uint8Array;
  readonly digests?: Uint8Array;
  readonly certificates?: readonly Uint8Array[];
  readonly signers?: (signer: Uint8Array) => Uint8Array;
  readonly afterCertificates?: Uint8Array;
  readonly content?: Uint8Array;
  readonly contentType?: string;
}

/** A SignedData whose signature holds over whatever its attributes are. */
export function craft(parts: Parts): Uint8Array {
  const signer = parts.signer ?? signerFor("ecdsa-p256-sha256");
  const attributes = parts.attributes === undefined ? sorted(usualAttributes(signer)) : parts.attributes;
  const message = attributes === null ? body : der(0x31, ...attributes);
  const { issuer, serial } = issuerAndSerial(signer.certificate);
  const digest = parts.digest ?? digestAlgorithm(signer.suite.hash);
  const info = sequence(
    integer(parts.signerVersion ?? 1),
    parts.identifier ?? sequence(issuer, der(0x02, serial)),
    digest,
    ...(attributes === null ? [] : [explicit(0, ...attributes)]),
    parts.signature ?? signatureAlgorithm(signer.suite),
    octetString(parts.signatureValue ?? signWith(signer.key, signer.suite, message)),
    ...(parts.unsigned ? [explicit(1, ...parts.unsigned)] : []),
  );
  const inner = sequence(
    integer(parts.version ?? 3),
    parts.digests ?? setOf(digest),
    sequence(objectIdentifier(parts.contentType ?? type), explicit(0, parts.content ?? octetString(body))),
    explicit(0, ...(parts.certificates ?? [signer.certificate])),
    ...(parts.afterCertificates ? [parts.afterCertificates] : []),
    parts.signers ? parts.signers(info) : setOf(info),
  );
  return sequence(objectIdentifier(oid.signedData), explicit(0, inner));
}

/** In DER order. */
export function sorted(attributes: Readonly<Record<string, Uint8Array | undefined>>): readonly Uint8Array[] {
  const set = setOf(...Object.values(attributes).filter((one) => one !== undefined));
  const out: Uint8Array[] = [];
  for (let rest = set.subarray((set[1] as number) < 0x80 ? 2 : 2 + ((set[1] as number) & 0x7f)); rest.length > 0; ) {
    const long = (rest[1] as number) - 0x80;
    const length = long < 0 ? 2 + (rest[1] as number) : 2 + long + Number(`0x${rest.subarray(2, 2 + long).toHex()}`);
    out.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return out;
}
