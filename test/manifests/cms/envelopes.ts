/** Signed envelopes made for tests: right ones for each suite, and ones wrong in one place, re-signed so that only that is wrong. */

import { digestOf, nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { readSignedData, type SignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import type { SuiteName } from "../../../manifests/cms/suite.ts";
import { type VerifiedSigner, verifySigner } from "../../../manifests/cms/verify.ts";
import { algorithmProtection } from "../../../manifests/cms/write.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { objectIdentifier, octetString, sequence, time } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { attribute, type Forged, forge, inOrder } from "../../bundle/forge.ts";
import { type Issued, issue, makeRoot } from "../../pki/authority.ts";

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

/** What may be replaced in an envelope over `body`; its signature holds over whatever its attributes are. */
export type Parts = Partial<Omit<Forged, "document">>;

export function craft(parts: Parts): Uint8Array {
  const signer = parts.signer ?? signerFor("ecdsa-p256-sha256");
  const attributes = sorted(usualAttributes(signer));
  return forge({ signer, contentType: type, content: octetString(body), document: body, attributes, ...parts }).file;
}

/** In DER order, without those that are undefined. */
export function sorted(attributes: Readonly<Record<string, Uint8Array | undefined>>): readonly Uint8Array[] {
  return inOrder(Object.values(attributes).filter((one) => one !== undefined));
}
