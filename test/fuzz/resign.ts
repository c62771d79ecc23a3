/**
 * Signs anew what a mutation broke, with the test's keys, so that what stands behind the signature checks is reached:
 * certificates by their issuers, then each signer's message digest, certificate digest and signature. Tolerant: what
 * has no longer the form of a SignedData stays as it is.
 */

import { createHash, type KeyObject, sign } from "node:crypto";
import * as boxPeople from "../bundle/people.ts";
import * as submitters from "../media/signed-batch.ts";
import type { Issued } from "../pki/authority.ts";
import { branch, type DerNode, joined, leaf, parseDer, writeDer } from "./der-tree.ts";
import { sortNodes } from "./mutate-der.ts";
import type { Random } from "./random.ts";

const issued: readonly Issued[] = [
  boxPeople.root,
  boxPeople.issuer,
  boxPeople.sealing,
  boxPeople.audit,
  boxPeople.submitter,
  ...boxPeople.operators,
  boxPeople.stranger,
  boxPeople.keeper,
  submitters.root,
  submitters.submitter,
];

const keysByName = new Map<string, KeyObject>(issued.map((one) => [hexOf(one.subject), one.key]));
const keysBySpki = new Map<string, KeyObject>(issued.map((one) => [hexOf(one.spki), one.key]));

const messageDigest = "2a864886f70d010904";
const signingCertificate = "2a864886f70d010910022f";

/** A SignedData with new signatures where it still has the form of one; anything else as it is. */
export function resignSignedData(random: Random, input: Uint8Array): Uint8Array {
  const nodes = parseDer(input);
  const signed = nodes?.[0]?.children?.[1]?.children?.[0]?.children;
  if (!nodes || !signed) return input;
  const encapsulated = signed.find((node) => node.tag === 0x30)?.children;
  const octets = encapsulated?.[1]?.children?.[0];
  const content = octets ? contentOf(octets) : undefined;
  const certificates = signed.find((node) => node.tag === 0xa0)?.children ?? [];
  if (random.chance(0.5)) for (const certificate of certificates) resignNode(certificate);
  const sets = signed.filter((node) => node.tag === 0x31);
  const infos = sets.at(-1)?.children ?? [];
  for (const info of infos) resignInfo(info, certificates, content);
  if (random.chance(0.9)) {
    sortNodes(infos);
    if (certificates.length > 1) sortNodes(certificates);
  }
  return writeDer(nodes);
}

/** A certificate with a new signature by the issuer that it names, if that is one of the test's. */
export function resignCertificate(input: Uint8Array): Uint8Array {
  const nodes = parseDer(input);
  if (!nodes?.[0]) return input;
  resignNode(nodes[0]);
  return writeDer(nodes);
}

function resignNode(certificate: DerNode): void {
  const [tbs, , signature] = certificate.children ?? [];
  const issuer = tbs?.children?.[3];
  if (!tbs || !signature || !issuer) return;
  const key = keysByName.get(hexOf(writeDer([issuer])));
  if (!key) return;
  signature.children = undefined;
  signature.bytes = joined([Uint8Array.of(0), signed(key, writeDer([tbs]))]);
}

function resignInfo(info: DerNode, certificates: readonly DerNode[], content: Uint8Array | undefined): void {
  const parts = info.children ?? [];
  const identifier = parts[1];
  const attributes = parts.find((node) => node.tag === 0xa0);
  const signature = parts.find((node) => node.tag === 0x04);
  if (!identifier?.children || !attributes?.children || !signature) return;
  const certificate = certificateOf(identifier.children, certificates);
  const spki = certificate?.children?.[0]?.children?.[6];
  const key = (spki && keysBySpki.get(hexOf(writeDer([spki])))) ?? issued[2]?.key;
  if (!key) return;
  if (content) setValue(attributes.children, messageDigest, leaf(0x04, digest(content)));
  if (certificate) {
    const bound = branch(0x30, [branch(0x30, [branch(0x30, [leaf(0x04, digest(writeDer([certificate])))])])]);
    setValue(attributes.children, signingCertificate, bound);
  }
  sortNodes(attributes.children);
  signature.children = undefined;
  signature.bytes = signed(key, joined([Uint8Array.of(0x31), writeDer([attributes]).subarray(1)]));
}

/** By issuer and serial number; where a mutation changed these in the certificate, the signer follows. */
function certificateOf(identifier: DerNode[], certificates: readonly DerNode[]): DerNode | undefined {
  const wanted = hexOf(writeDer(identifier));
  const nameAndSerial = (one: DerNode) => [one.children?.[0]?.children?.[3], one.children?.[0]?.children?.[1]];
  const found = certificates.find((one) => {
    const [name, serial] = nameAndSerial(one);
    return name && serial && hexOf(writeDer([name, serial])) === wanted;
  });
  const [only] = certificates;
  if (found || certificates.length !== 1 || !only) return found;
  const [name, serial] = nameAndSerial(only);
  if (name && serial) identifier.splice(0, identifier.length, name, serial);
  return only;
}

function setValue(attributes: readonly DerNode[], oid: string, value: DerNode): void {
  for (const attribute of attributes) {
    const [id, values] = attribute.children ?? [];
    if (id && hexOf(id.bytes) === oid && values?.children?.length === 1) values.children = [value];
  }
}

function contentOf(octets: DerNode): Uint8Array {
  return octets.children ? writeDer(octets.children) : octets.bytes;
}

function signed(key: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign("sha256", message, key));
}

function digest(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
