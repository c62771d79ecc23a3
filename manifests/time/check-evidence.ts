/** Verifying an evidence record (RFC 4998 4.3, 5.3) over one group of data objects: each time-stamp is over what was there before it. */

import type { HashName } from "../cms/suite.ts";
import { compare, concat, equal } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { type ArchiveTimeStamp, chainsBefore, readEvidenceRecord } from "./evidence-record.ts";
import { rootOf } from "./hash-tree.ts";
import { checkToken, type TimeStamp } from "./token.ts";

/** The hashes of a group's data objects, in any order: two different ones at least. */
export type GroupHashes = (hash: HashName) => Promise<readonly Uint8Array[]>;

/**
 * The time-stamps of an evidence record, oldest first, whose signatures hold and which lead to these very data objects: all of the group, and nothing
 * beside them. Says nothing of paths. Refuses TIME-FORM, TIME-IMPRINT, TIME-ORDER when one is older than the one before it, TIME-TSA, CMS-*, PATH-FORM, PATH-KEY.
 */
export async function checkEvidence(host: Host, der: Uint8Array, group: GroupHashes): Promise<readonly TimeStamp[]> {
  const chains = readEvidenceRecord(der);
  const stamps: TimeStamp[] = [];
  for (const [at, chain] of chains.entries()) {
    const first = chain[0] as ArchiveTimeStamp;
    const own = await group(first.hash);
    const hashes = at === 0 ? own : await renewedGroup(host, first.hash, own, chainsBefore(der, at));
    const sorted = [...hashes].sort(compare);
    checkFirstList(first, sorted);
    stamps.push(await checkStamp(host, first, sorted));
    for (const [before, member] of chain.slice(1).entries()) {
      const over = await host.digest(member.hash, (chain[before] as ArchiveTimeStamp).token);
      if (member.tree.length > 0 && !member.tree[0]?.some((one) => equal(one, over))) throw otherwise();
      stamps.push(await checkStamp(host, member, [over]));
    }
  }
  checkOrder(stamps);
  return stamps;
}

/** RFC 4998 5.2: a chain of another hash is over each object's hash, of a group, with the digest of all chains before it. */
export async function renewedGroup(
  host: Host,
  hash: HashName,
  group: readonly Uint8Array[],
  before: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const chains = await host.digest(hash, before);
  return Promise.all(group.map((one) => host.digest(hash, concat([one, chains]))));
}

/** The group and nothing beside it (RFC 4998 4.3, the note on groups). */
function checkFirstList({ tree: [list] }: ArchiveTimeStamp, hashes: readonly Uint8Array[]): void {
  if (list === undefined) return;
  const sorted = [...list].sort(compare);
  if (sorted.length !== hashes.length || sorted.some((one, at) => !equal(one, hashes[at] as Uint8Array))) {
    throw otherwise();
  }
}

async function checkStamp(host: Host, stamp: ArchiveTimeStamp, hashes: readonly Uint8Array[]): Promise<TimeStamp> {
  const root = await rootOf(host, stamp.hash, stamp.tree.length > 0 ? stamp.tree : [hashes]);
  return checkToken(host, stamp.token, async (hash) => {
    if (hash === stamp.hash) return root;
    throw new Refusal("TIME-IMPRINT", "the token uses another hash than its tree", { expected: stamp.hash, got: hash });
  });
}

function checkOrder(stamps: readonly TimeStamp[]): void {
  for (const [at, { info }] of stamps.entries()) {
    const before = stamps[at - 1]?.info.time;
    if (before !== undefined && info.time < before) {
      throw new Refusal("TIME-ORDER", "a time-stamp is older than the one before it", {
        expected: `${before} or later`,
        got: info.time,
      });
    }
  }
}

function otherwise(): Refusal {
  return new Refusal("TIME-IMPRINT", "the evidence record is over something else");
}
