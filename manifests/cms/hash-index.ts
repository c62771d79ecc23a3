/**
 * The ats-hash-index-v3 (ETSI EN 319 122-1 5.5.2): which certificates, revocation data and unsigned attributes of a signature an archive time-stamp is over,
 * each by a hash of its own, so that more can be added later. It stands in the archive time-stamp's token, among the unsigned attributes of its signer.
 */

import { concat, hex } from "../encoding/bytes.ts";
import { content, DerReader, tag, whole } from "../encoding/der-read.ts";
import { octetString, sequence } from "../encoding/der-write.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { digestAlgorithm } from "./algorithm.ts";
import { readDigest } from "./digest.ts";
import { type HashName, hashBytes } from "./suite.ts";
import type { UnsignedAttribute } from "./unsigned-attributes.ts";

/** What of a signature has entries of its own, in the order in which it stands there. */
export interface Indexed {
  /** each CertificateChoices, DER */
  readonly certificates: readonly Uint8Array[];
  /** each RevocationInfoChoice, DER */
  readonly crls: readonly Uint8Array[];
  readonly attributes: readonly UnsignedAttribute[];
}

/** The entries, by kind. */
export interface HashIndex<Entry = Uint8Array> {
  readonly hash: HashName;
  readonly certificates: readonly Entry[];
  readonly crls: readonly Entry[];
  /** one for each value of each attribute: the hash of type and value */
  readonly attributes: readonly Entry[];
}

/** The entries of everything that stands there. */
export async function indexOf(
  host: Host,
  hash: HashName,
  { attributes, certificates, crls }: Indexed,
): Promise<HashIndex> {
  const hashed = (all: readonly Uint8Array[]) => Promise.all(all.map((one) => host.digest(hash, one)));
  const values = attributes.flatMap((one) => one.values.map((value) => concat([one.type, value])));
  return {
    hash,
    certificates: await hashed(certificates),
    crls: await hashed(crls),
    attributes: await hashed(values),
  };
}

/** ATSHashIndexV3 in DER. */
export function writeHashIndex({ attributes, certificates, crls, hash }: HashIndex): Uint8Array {
  const lists = [certificates, crls, attributes].map((all) => sequence(...all.map(octetString)));
  return sequence(digestAlgorithm(hash), ...lists);
}

/** Reads an ATSHashIndexV3 that is all of `der`; entries in lower-case hex. Refuses TIME-FORM, CMS-ALGORITHM, DER. */
export function readHashIndex(der: Uint8Array): HashIndex<string> {
  const reader = DerReader.open(der, tag.sequence, form);
  const hash = readDigest(whole(der, reader.read(tag.sequence)));
  const [certificates, crls, attributes] = [entries(reader, hash), entries(reader, hash), entries(reader, hash)];
  reader.finish();
  return { hash, certificates, crls, attributes };
}

const form = "TIME-FORM";

/** Most entries of a kind: more than a seal can have of any. */
const most = 256;

function entries(reader: DerReader, hash: HashName): readonly string[] {
  const list = reader.enter(tag.sequence);
  return list.rest(most).map((one) => {
    if (one.tag !== tag.octetString || one.end - one.start !== hashBytes[hash]) {
      throw new Refusal(form, "an entry of a hash index is no hash by its algorithm");
    }
    return hex(content(list.bytes, one));
  });
}
