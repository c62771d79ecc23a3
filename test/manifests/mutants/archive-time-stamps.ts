/** Seals whose archive time-stamp is right but for what is named. */

import { digestOf } from "../../../host/crypto-host.ts";
import type { HashIndex } from "../../../manifests/cms/hash-index.ts";
import { withoutRevocation, withRevocation } from "../../../manifests/cms/revocation-values.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { content, DerReader, tag, whole } from "../../../manifests/encoding/der-read.ts";
import { der, explicit, objectIdentifier, sequence, setOf } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { readSeal, sealFile } from "../../../manifests/records/seal.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { issuer, oids } from "../../bundle/people.ts";
import { type ArchiveWanted, withArchive, withSignatureStamp, withUnsignedOf } from "../../pki/archive.ts";
import { makeRoot } from "../../pki/authority.ts";
import { makeCrl } from "../../pki/crl.ts";
import { makeTsa } from "../../pki/tsa.ts";

/** What a mutant is made of. */
export interface Ground {
  /** a seal with a signature time-stamp of 2027 and CRLs, and its document */
  readonly seal: Uint8Array;
  readonly document: Uint8Array;
  /** another seal, of another document */
  readonly other: Uint8Array;
  /** of the root, the seal's issuer and the time-stamp authority's root */
  readonly crls: Readonly<Record<"root" | "issuer" | "time", Uint8Array>>;
}

export interface ArchiveMutant {
  /** stands once here, and in docs/verify.md */
  readonly title: string;
  /** what our verifier says of the archive time-stamps: the codes for which they do not count, or "holds" */
  readonly ours: RefusalCode | "holds";
  /** what it says that they are not over */
  readonly leftOut?: readonly string[];
  /** what docs/CheckArchive.java says, which is BouncyCastle's */
  readonly bouncycastle: "accepts" | "refuses";
  readonly make: (ground: Ground) => Uint8Array | Promise<Uint8Array>;
}

export const stampTime = "2027-01-01T00:00:00Z";
export const archiveTime = "2027-06-01T00:00:00Z";

const archived =
  (change: Partial<ArchiveWanted> = {}): ArchiveMutant["make"] =>
  ({ document, seal }) =>
    withArchive(seal, { document, ...change });

/** Made right, and changed afterwards. */
const afterwards =
  (change: (file: Uint8Array, ground: Ground) => Uint8Array): ArchiveMutant["make"] =>
  async (ground) =>
    change(await withArchive(ground.seal, { document: ground.document }), ground);

const indexed = (index: (right: HashIndex) => HashIndex) => archived({ index });
const attribute = (value: Uint8Array) => ({ oid: oid.hashIndexV3, value });

const ofTheIndex: readonly ArchiveMutant[] = [
  { title: "no hash index", ours: "TIME-FORM", bouncycastle: "refuses", make: archived({ attributes: () => [] }) },
  {
    title: "its hash index twice",
    ours: "TIME-FORM",
    bouncycastle: "refuses",
    make: archived({ attributes: (index) => [attribute(index), attribute(index)] }),
  },
  {
    title: "two hash indexes, the other one of nothing",
    ours: "TIME-FORM",
    bouncycastle: "refuses",
    make: archived({ attributes: (index) => [attribute(index), attribute(ofNothing(index))] }),
  },
  {
    title: "a hash index of another version",
    ours: "TIME-FORM",
    bouncycastle: "refuses",
    make: archived({ attributes: (index) => [{ oid: "0.4.0.1733.2.5", value: index }] }),
  },
  {
    title: "a hash index that names another hash than the token's",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: archived({ index: byAnother }),
  },
  {
    title: "a hash index without its algorithm",
    ours: "CMS-ALGORITHM",
    bouncycastle: "refuses",
    make: archived({ attributes: (index) => [attribute(withoutAlgorithm(index))] }),
  },
  {
    title: "an entry that is cut short",
    ours: "TIME-FORM",
    bouncycastle: "refuses",
    make: indexed((right) => ({ ...right, crls: right.crls.map((one, at) => (at === 0 ? one.slice(1) : one)) })),
  },
  {
    title: "an entry of something that is not there",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: indexed((right) => ({ ...right, certificates: [...right.certificates, digestOf("sha256", utf8("x"))] })),
  },
  {
    title: "no entry of a certificate",
    ours: "holds",
    leftOut: ["certificate 2"],
    bouncycastle: "accepts",
    make: indexed((right) => ({ ...right, certificates: right.certificates.slice(0, 1) })),
  },
  {
    title: "no entry of a CRL",
    ours: "holds",
    leftOut: ["CRL 1"],
    bouncycastle: "accepts",
    make: indexed((right) => ({ ...right, crls: right.crls.slice(1) })),
  },
  {
    title: "no entry of the signature time-stamp",
    ours: "holds",
    leftOut: ["signature-time-stamp 1"],
    bouncycastle: "accepts",
    make: indexed((right) => ({ ...right, attributes: [] })),
  },
  {
    title: "entries of certificates among those of CRLs",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: indexed((right) => ({ ...right, certificates: right.crls, crls: right.certificates })),
  },
  {
    title: "entries in another order than they were stamped in",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: archived({ attributes: (index) => [attribute(reversed(index))] }),
  },
  {
    title: "entries that were taken out after it was stamped",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: archived({ attributes: (index) => [attribute(ofNothing(index))] }),
  },
];

const ofTheToken: readonly ArchiveMutant[] = [
  { title: "nothing", ours: "holds", bouncycastle: "accepts", make: archived() },
  {
    title: "another hash than the seal's, throughout",
    ours: "holds",
    bouncycastle: "accepts",
    make: archived({ hash: "sha512" }),
  },
  {
    title: "a token over another document",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: archived({ document: utf8("another document") }),
  },
  {
    title: "a token over another seal",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: async ({ document, other, seal }) => {
      const [value] = archivesIn(await withArchive(other, { document }));
      return withUnsignedOf(seal, (all) => [...all, value as (typeof all)[number]]);
    },
  },
  {
    title: "a token over the signature alone",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: (ground) => archived({ imprint: (hash) => digestOf(hash, coreOf(ground.seal).signature) })(ground),
  },
  {
    title: "a token over the document itself in the place of its hash",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: (ground) => archived({ imprint: over(ground, (parts) => ({ ...parts, document: ground.document })) })(ground),
  },
  {
    title: "a token over the signed attributes as a SET",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: (ground) => archived({ imprint: over(ground, asSet) })(ground),
  },
  {
    title: "a token over the attribute that holds the hash index",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: (ground) => archived({ imprint: over(ground, asAttribute) })(ground),
  },
  {
    title: "a certificate without the extended key usage",
    ours: "TIME-TSA",
    bouncycastle: "refuses",
    make: archived({ by: makeTsa({ extensions: [] }) }),
  },
  {
    title: "a certificate under another root",
    ours: "PATH-ROOT",
    bouncycastle: "refuses",
    make: archived({ by: makeTsa({}, makeRoot({ name: "nobody's time" })) }),
  },
  {
    title: "a certificate that had ended",
    ours: "PATH-TIME",
    bouncycastle: "refuses",
    make: archived({ by: makeTsa({ notAfter: "2027-03-01T00:00:00Z" }) }),
  },
  {
    title: "a time before the signature time-stamp that it is over",
    ours: "TIME-ORDER",
    bouncycastle: "accepts",
    make: archived({ time: "2026-12-31T00:00:00Z" }),
  },
  {
    title: "a time before the seal's own",
    ours: "TIME-ORDER",
    bouncycastle: "accepts",
    make: async ({ document, seal }) =>
      withArchive(
        withUnsignedOf(seal, () => []),
        { document, time: "2026-11-20T11:00:00Z" },
      ),
  },
];

const ofTheSeal: readonly ArchiveMutant[] = [
  {
    title: "a second one over the first",
    ours: "holds",
    bouncycastle: "accepts",
    make: async ({ document, seal }) =>
      withArchive(await withArchive(seal, { document }), { document, time: "2029-01-01T00:00:00Z", hash: "sha512" }),
  },
  {
    title: "unsigned attributes in another order than DER's",
    ours: "holds",
    bouncycastle: "accepts",
    make: afterwards((file) => inGivenOrder(file, (all) => [...all].reverse())),
  },
  {
    title: "an attribute of two values, it and another",
    ours: "TIME-FORM",
    bouncycastle: "refuses",
    make: afterwards((file) => inGivenOrder(file, (all) => all.map(withSecondValue))),
  },
  {
    title: "the signature time-stamp taken out afterwards",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: afterwards((file) => withUnsignedOf(file, (all) => all.filter((one) => one.oid !== oid.signatureTimeStamp))),
  },
  {
    title: "a CRL taken out afterwards",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: afterwards((file, { crls }) => withCrls(file, [crls.root, crls.issuer])),
  },
  {
    title: "a CRL changed afterwards for a later one of the same issuer",
    ours: "TIME-IMPRINT",
    bouncycastle: "refuses",
    make: afterwards((file, { crls }) => withCrls(file, [crls.root, later, crls.time])),
  },
  {
    title: "a CRL added afterwards",
    ours: "holds",
    leftOut: ["CRL 4"],
    bouncycastle: "accepts",
    make: afterwards((file, { crls }) => withCrls(file, [...Object.values(crls), sortedLast(Object.values(crls))])),
  },
  {
    title: "a signature time-stamp added afterwards",
    ours: "holds",
    leftOut: ["signature-time-stamp 2"],
    bouncycastle: "accepts",
    make: async ({ document, seal }) =>
      withSignatureStamp(await withArchive(seal, { document }), "2028-01-01T00:00:00Z"),
  },
  {
    title: "an attribute that nobody knows, added afterwards",
    ours: "holds",
    leftOut: ["attribute 1.2.3.4 1"],
    bouncycastle: "accepts",
    make: afterwards((file) => withUnsignedOf(file, (all) => [...all, { oid: "1.2.3.4", value: der(0x05) }])),
  },
];

export const archiveMutants: readonly ArchiveMutant[] = [...ofTheToken, ...ofTheIndex, ...ofTheSeal];

const lasting = { thisUpdate: "2028-01-01T00:00:00Z", nextUpdate: "2039-01-01T00:00:00Z" };
const later = makeCrl(issuer, lasting);

/** A CRL that stands behind those that are there. */
function sortedLast(crls: readonly Uint8Array[]): Uint8Array {
  for (let number = 1; ; number++) {
    const thisUpdate = `2028-01-01T00:00:${String(number % 60).padStart(2, "0")}Z`;
    const one = makeCrl(issuer, {
      ...lasting,
      thisUpdate,
      revoked: Array.from({ length: number }, () => Uint8Array.of(9)),
    });
    if (crls.every((other) => Buffer.compare(other, one) < 0)) return one;
  }
}

function valuesOf(file: Uint8Array, name: string): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  withUnsignedOf(file, (all) => {
    found.push(...all.flatMap((one) => (one.oid === name ? [one.value] : [])));
    return all;
  });
  return found;
}

function archivesIn(file: Uint8Array) {
  return valuesOf(file, oid.archiveTimeStampV3).map((value) => ({ oid: oid.archiveTimeStampV3, value }));
}

function withCrls(file: Uint8Array, crls: readonly Uint8Array[]): Uint8Array {
  return withRevocation(withoutRevocation(file).base, { crls, ocsp: [] });
}

function coreOf(file: Uint8Array) {
  return readSeal(withoutRevocation(file).base, oids).signer;
}

interface Parts {
  readonly document: Uint8Array;
  readonly fields: readonly Uint8Array[];
  readonly index: Uint8Array;
}

/** The token's digest with one part as it should not be. */
function over({ document, seal }: Ground, change: (right: Parts) => Parts) {
  return (hash: HashName, index: Uint8Array) => {
    const { core } = coreOf(seal);
    const fields = DerReader.open(core, tag.sequence, "DER")
      .rest(6)
      .map((one) => whole(core, one));
    const parts = change({ document: digestOf(hash, document), fields, index });
    return digestOf(hash, concat([objectIdentifier(oid.data), parts.document, ...parts.fields, parts.index]));
  };
}

function asSet(right: Parts): Parts {
  const fields = right.fields.map((one) => (one[0] === 0xa0 ? concat([Uint8Array.of(0x31), one.subarray(1)]) : one));
  return { ...right, fields };
}

function asAttribute(right: Parts): Parts {
  return { ...right, index: sequence(objectIdentifier(oid.hashIndexV3), setOf(right.index)) };
}

/** Every hash by SHA-512, and so the algorithm in the index; the token stays with SHA-256. */
function byAnother(right: HashIndex): HashIndex {
  const all = (list: readonly Uint8Array[]) => list.map((one) => digestOf("sha512", one));
  return {
    hash: "sha512",
    certificates: all(right.certificates),
    crls: all(right.crls),
    attributes: all(right.attributes),
  };
}

function partsOf(index: Uint8Array): readonly Uint8Array[] {
  return DerReader.open(index, tag.sequence, "DER")
    .rest(4)
    .map((one) => whole(index, one));
}

function ofNothing(index: Uint8Array): Uint8Array {
  return sequence(partsOf(index)[0] as Uint8Array, sequence(), sequence(), sequence());
}

function withoutAlgorithm(index: Uint8Array): Uint8Array {
  return sequence(...partsOf(index).slice(1));
}

function reversed(index: Uint8Array): Uint8Array {
  const [algorithm, ...lists] = partsOf(index) as [Uint8Array, ...Uint8Array[]];
  const turned = lists.map((list) => {
    const entries = DerReader.open(list, tag.sequence, "DER").rest(99);
    return sequence(...entries.map((one) => whole(list, one)).reverse());
  });
  return sequence(algorithm, ...turned);
}

/** The seal's unsigned attributes, encoded, as they are given. */
function inGivenOrder(
  file: Uint8Array,
  change: (attributes: readonly Uint8Array[]) => readonly Uint8Array[],
): Uint8Array {
  const { base, values } = withoutRevocation(file);
  const { certificates, signer } = readSeal(base, oids);
  const { core } = signer;
  const fields = content(core, new DerReader(core, { start: 0, end: core.length }, "DER").any());
  const parts = DerReader.open(signer.der, tag.sequence, "DER").rest(7);
  const last = parts.at(-1) as (typeof parts)[number];
  const set = new DerReader(signer.der, last, "DER").rest(16).map((one) => whole(signer.der, one));
  const signerInfo = sequence(fields, explicit(1, ...change(set)));
  return withRevocation(sealFile({ certificates, signerInfo }), values);
}

/** An archive time-stamp's attribute with one value more. */
function withSecondValue(encoded: Uint8Array): Uint8Array {
  const reader = DerReader.open(encoded, tag.sequence, "DER");
  const name = reader.oid();
  if (name !== oid.archiveTimeStampV3) return encoded;
  const value = whole(encoded, reader.enter(tag.set).any());
  return sequence(objectIdentifier(name), setOf(value, sequence()));
}
