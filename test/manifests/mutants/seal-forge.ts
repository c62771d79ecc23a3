/** Seals that a box could sign: the right one, with parts replaced. */

import { sha256 } from "../../../host/crypto-host.ts";
import { algorithmProtection } from "../../../manifests/cms/write.ts";
import {
  integer,
  objectIdentifier,
  octetString,
  sequence,
  time,
  utf8String,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import type { SealFacts } from "../../../manifests/records/seal.ts";
import { attribute, type Forged, forge, inOrder } from "../../bundle/forge.ts";
import { issuer, oids, sealing } from "../../bundle/people.ts";
import { type Issued, issue, type Wanted } from "../../pki/authority.ts";
import type { Change } from "./mutant.ts";

/** A seal's signed attributes by their short names, each encoded. */
export type SealAttributes = Readonly<Record<AttributeName, Uint8Array>>;
export type AttributeName = keyof typeof attributeOids;

export const attributeOids = {
  contentType: oid.contentType,
  messageDigest: oid.messageDigest,
  signingTime: oid.signingTime,
  signingCertificate: oid.signingCertificateV2,
  algorithmProtection: oid.algorithmProtection,
  mode: oids.mode,
  place: oids.place,
} as const;

export const attributeNames = Object.keys(attributeOids) as readonly AttributeName[];

/** The right value of each attribute. */
export function valuesOf(facts: SealFacts): Readonly<Record<AttributeName, Uint8Array>> {
  return {
    contentType: objectIdentifier(oid.data),
    messageDigest: octetString(facts.documentDigest),
    signingTime: time(facts.signingTime),
    signingCertificate: sequence(sequence(sequence(octetString(facts.certificateDigest)))),
    algorithmProtection: algorithmProtection(facts.suite),
    mode: utf8String(facts.mode),
    place: sequence(utf8String(facts.appliance), integer(facts.number), integer(facts.index)),
  };
}

/** A whole seal in which the attributes (undefined: left out; others added) or other parts are replaced. */
export function sealWith(
  facts: SealFacts,
  sealer: Issued,
  document: Uint8Array,
  change: {
    readonly attributes?: Readonly<Record<string, Uint8Array | undefined>>;
    readonly parts?: Partial<Forged>;
  },
) {
  const values = valuesOf(facts);
  const usual = Object.fromEntries(attributeNames.map((name) => [name, attribute(attributeOids[name], values[name])]));
  const attributes = Object.values({ ...usual, ...change.attributes }).filter((one) => one !== undefined);
  return forge({
    signer: sealer,
    contentType: oid.data,
    content: undefined,
    document,
    attributes: inOrder(attributes),
    certificates: inOrder([sealer.certificate, issuer.certificate]),
    ...change.parts,
  });
}

type Attributes = Readonly<Record<string, Uint8Array | undefined>>;

/** Every seal of the box with other attributes. */
export function withAttributes(attributes: Attributes | ((facts: SealFacts) => Attributes)): () => Change {
  const of = typeof attributes === "function" ? attributes : () => attributes;
  return () => ({ seal: (facts, sealer, document) => sealWith(facts, sealer, document, { attributes: of(facts) }) });
}

/** Every seal of the box with other parts; attributes as they should be unless `parts` has some. */
export function withParts(
  parts: Partial<Forged> | ((facts: SealFacts, sealer: Issued) => Partial<Forged>),
): () => Change {
  const of = typeof parts === "function" ? parts : () => parts;
  return () => ({ seal: (facts, sealer, document) => sealWith(facts, sealer, document, { parts: of(facts, sealer) }) });
}

/** A box whose policy names the sealer's key and suite. */
export function boxOf(sealer: Issued): Change {
  const { name, hash } = sealer.suite;
  return {
    sealer,
    policy: (policy) => ({
      ...policy,
      keys: { ...policy.keys, sealing: sealer.spki },
      profile: { ...policy.profile, digest: hash, suite: name },
    }),
    head: (head) => ({ ...head, digestAlgorithm: hash }),
  };
}

/** The box's sealing key in another certificate, under its issuer or another one, with the chain that the seal carries. */
export function certified(wanted: Partial<Wanted>, below: Issued = issuer, chain?: readonly Issued[]): () => Change {
  return () => {
    const sealer = issue(below, { name: "Sealing", key: sealing.key, eku: [oids.sealing], ...wanted });
    const certificates = inOrder([sealer, ...(chain ?? [below])].map(({ certificate }) => certificate));
    return {
      sealer,
      seal: (facts, by, document) => sealWith(facts, by, document, { parts: { certificates } }),
    };
  };
}

export function boundTo(certificate: Uint8Array): Uint8Array {
  return sequence(sequence(sequence(octetString(sha256(certificate)))));
}
