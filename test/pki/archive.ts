/** Seals with time-stamps and revocation data in them for tests: right as they come, wrong where a test changes one step. */

import { digestOf, nodeHost } from "../../host/crypto-host.ts";
import { type HashIndex, indexOf, writeHashIndex } from "../../manifests/cms/hash-index.ts";
import { withoutRevocation, withRevocation } from "../../manifests/cms/revocation-values.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { unsignedAttributes, withUnsigned } from "../../manifests/cms/unsigned-attributes.ts";
import type { ExtraAttribute } from "../../manifests/cms/write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { readSeal, sealFile } from "../../manifests/records/seal.ts";
import { archiveImprint } from "../../manifests/time/archive-time-stamp.ts";
import { signerIn, withSigner } from "../../manifests/time/token.ts";
import { contentsOf } from "../../manifests/verify/archive-cover.ts";
import { oids } from "../bundle/people.ts";
import { rawToken } from "../manifests/time/raw-token.ts";
import type { Issued } from "./authority.ts";
import { makeToken, tsa } from "./tsa.ts";

export interface ArchiveWanted {
  readonly document: Uint8Array;
  readonly time?: Utc;
  readonly hash?: HashName;
  readonly by?: Issued;
  /** the index that is stamped */
  readonly index?: (right: HashIndex) => HashIndex;
  /** what the token is over, in place of what it should be */
  readonly imprint?: (hash: HashName, index: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** the token's unsigned attributes, of the DER of the index that was stamped */
  readonly attributes?: (index: Uint8Array) => readonly ExtraAttribute[];
  /** the attribute's name in the seal */
  readonly name?: string;
}

/** The seal with one more archive time-stamp, over all of it. */
export async function withArchive(file: Uint8Array, wanted: ArchiveWanted): Promise<Uint8Array> {
  const { by = tsa, document, hash = "sha256", name = oid.archiveTimeStampV3, time = "2027-06-01T00:00:00Z" } = wanted;
  const { base, values } = withoutRevocation(file);
  const { signer, ...seal } = readSeal(base, oids);
  const right = await indexOf(nodeHost, hash, contentsOf({ signer, ...seal }, values));
  const index = writeHashIndex(wanted.index?.(right) ?? right);
  const documentDigest = async (one: HashName) => digestOf(one, document);
  const digest = await (
    wanted.imprint ?? ((_, der) => archiveImprint(nodeHost, hash, { documentDigest, signer }, der))
  )(hash, index);
  const token = await rawToken(digest, { hash, time, by });
  const attributes = wanted.attributes?.(index) ?? [{ oid: oid.hashIndexV3, value: index }];
  const value = attributes.length === 0 ? token : withSigner(token, withUnsigned(signerIn(token), attributes));
  return withRevocation(withAttribute(base, { oid: name, value }), values);
}

/** The seal with a time-stamp over its signature. */
export async function withSignatureStamp(file: Uint8Array, time: Utc, by: Issued = tsa): Promise<Uint8Array> {
  const { base, values } = withoutRevocation(file);
  const value = await makeToken({ over: readSeal(base, oids).signer.signature, time, by });
  return withRevocation(withAttribute(base, { oid: oid.signatureTimeStamp, value }), values);
}

/** The seal with other unsigned attributes, encoded, in the order in which they are given. */
export function withUnsignedOf(
  file: Uint8Array,
  change: (attributes: readonly ExtraAttribute[]) => readonly ExtraAttribute[],
): Uint8Array {
  const { base, values } = withoutRevocation(file);
  const { certificates, signer } = readSeal(base, oids);
  const there = unsignedAttributes(signer).flatMap((one) => one.values.map((value) => ({ oid: one.oid, value })));
  const { core } = signer;
  const bare = { ...signer, der: core, unsigned: false };
  const wanted = change(there);
  const signerInfo = wanted.length === 0 ? core : withUnsigned(bare, wanted);
  return withRevocation(sealFile({ certificates, signerInfo }), values);
}

function withAttribute(base: Uint8Array, attribute: ExtraAttribute): Uint8Array {
  const { certificates, signer } = readSeal(base, oids);
  return sealFile({ certificates, signerInfo: withUnsigned(signer, [attribute]) });
}
