/**
 * Evidence records (RFC 4998 3.1, 4.1, 5.1): archive time-stamps over groups of data objects, one chain of them for as long as one hash is
 * used. Strict DER; encrypted data objects and attributes of archive time-stamps are refused, not passed over.
 */

import { digestAlgorithm } from "../cms/algorithm.ts";
import { readDigest } from "../cms/digest.ts";
import { type HashName, hashBytes } from "../cms/suite.ts";
import { concat } from "../encoding/bytes.ts";
import { content, DerReader, tag, whole } from "../encoding/der-read.ts";
import { der as element, explicit, integer, octetString, sequence } from "../encoding/der-write.ts";
import { Refusal } from "../refusal.ts";
import type { ReducedTree } from "./hash-tree.ts";
import { infoIn } from "./token.ts";
import { asTimeForm } from "./tst-info.ts";

export interface ArchiveTimeStamp {
  readonly hash: HashName;
  /** empty: the token is over the one hash itself */
  readonly tree: ReducedTree;
  /** ContentInfo of the time-stamp token, DER */
  readonly token: Uint8Array;
}

/** Each chain uses one hash; its later members are over the token before them. At least one chain, and one member in each. */
export type ArchiveTimeStampSequence = readonly (readonly ArchiveTimeStamp[])[];

/** Most bytes of an evidence record. */
export const evidenceRecordLimit = 256 * 1024;

const form = "TIME-FORM";
/** Most chains of a record, members of a chain, lists of a tree, and hashes in a list. */
export const most = { chains: 8, members: 64, lists: 40, hashes: 64 } as const;

/** An EvidenceRecord of version 1. */
export function writeEvidenceRecord(chains: ArchiveTimeStampSequence): Uint8Array {
  const hashes = [...new Set(chains.flat().map(({ hash }) => hash))];
  return sequence(integer(1), sequence(...hashes.map(digestAlgorithm)), writeSequence(chains));
}

/** An archiveTimeStampSequence of the first `count` chains of a record, byte for byte as they stand: what the renewal of a hash tree hashes (RFC 4998 5.2). */
export function chainsBefore(der: Uint8Array, count: number): Uint8Array {
  const chains = sequenceIn(der).rest(most.chains);
  return sequence(...chains.slice(0, count).map((one) => whole(der, one)));
}

/** Past version and digestAlgorithms, at the chains. */
function sequenceIn(der: Uint8Array): DerReader {
  const reader = DerReader.open(der, tag.sequence, form);
  reader.read(tag.integer);
  reader.read(tag.sequence);
  return reader.enter(tag.sequence);
}

function writeSequence(chains: ArchiveTimeStampSequence): Uint8Array {
  return sequence(...chains.map((chain) => sequence(...chain.map(writeArchiveTimeStamp))));
}

function writeArchiveTimeStamp({ hash, token, tree }: ArchiveTimeStamp): Uint8Array {
  const algorithm = digestAlgorithm(hash);
  const reduced = tree.map((list) => sequence(...list.map(octetString)));
  return sequence(
    explicit(0, content(algorithm, new DerReader(algorithm, { start: 0, end: algorithm.length }, form).any())),
    ...(tree.length === 0 ? [] : [element(0xa2, concat(reduced))]),
    token,
  );
}

/** Reads an evidence record that is all of `der`. Refuses TIME-FORM, CMS-ALGORITHM. */
export function readEvidenceRecord(der: Uint8Array): ArchiveTimeStampSequence {
  if (der.length > evidenceRecordLimit) {
    throw new Refusal(form, `an evidence record of more than ${evidenceRecordLimit} bytes`);
  }
  return asTimeForm("an evidence record", () => read(new Uint8Array(der)));
}

function read(der: Uint8Array): ArchiveTimeStampSequence {
  const reader = DerReader.open(der, tag.sequence, form);
  if (reader.smallInteger() !== 1) throw new Refusal(form, "not an evidence record of version 1");
  const named = listOf(reader.enter(tag.sequence), most.chains).map((one) => readDigest(one));
  if (reader.next(0xa0) || reader.next(0xa1)) {
    throw new Refusal(form, "an evidence record over encrypted data, or with crypto infos, is not understood");
  }
  const chains = readChains(reader.enter(tag.sequence));
  reader.finish();
  for (const { hash } of chains.flat()) {
    if (!named.includes(hash)) throw new Refusal(form, "a hash is used that the record does not name", { got: hash });
  }
  return chains;
}

function readChains(reader: DerReader): ArchiveTimeStampSequence {
  return listOf(reader, most.chains).map((chain) => {
    const members = listOf(DerReader.open(chain, tag.sequence, form), most.members).map(readArchiveTimeStamp);
    if (members.some(({ hash }) => hash !== members[0]?.hash)) throw new Refusal(form, "a chain of several hashes");
    return members;
  });
}

function readArchiveTimeStamp(der: Uint8Array): ArchiveTimeStamp {
  const reader = DerReader.open(der, tag.sequence, form);
  const named = reader.next(0xa0) ? content(der, reader.read(0xa0)) : undefined;
  if (reader.next(0xa1)) throw new Refusal(form, "attributes of an archive time-stamp are not understood");
  const tree = reader.next(0xa2) ? readTree(reader.enter(0xa2)) : [];
  const token = whole(der, reader.read(tag.sequence));
  reader.finish();
  const { hash } = named ? { hash: readDigest(sequence(named)) } : infoIn(token).imprint;
  if (tree.flat().some(({ length }) => length !== hashBytes[hash])) {
    throw new Refusal(form, "a hash of a tree is not as long as its algorithm says");
  }
  return { hash, tree, token };
}

function readTree(reader: DerReader): ReducedTree {
  return listOf(reader, most.lists).map((list) =>
    listOf(DerReader.open(list, tag.sequence, form), most.hashes).map((hash) => {
      const one = new DerReader(hash, { start: 0, end: hash.length }, form);
      return content(hash, one.read(tag.octetString));
    }),
  );
}

/** Elements in their encodings, one at least. */
function listOf(reader: DerReader, limit: number): readonly Uint8Array[] {
  const elements = reader.rest(limit);
  if (elements.length === 0) throw new Refusal(form, "an empty list");
  return elements.map((one) => whole(reader.bytes, one));
}
