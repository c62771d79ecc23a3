/** Renewing a bundle's evidence of time (RFC 4998 5.2): by a time-stamp over the last one or, before a hash falls, by another hash over all documents again. */

import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeDurable } from "../../host/durable.ts";
import { stampInTurn } from "../../host/tsa/tsa-client.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkEvidence, type GroupHashes } from "../../manifests/time/check-evidence.ts";
import {
  type ArchiveTimeStamp,
  type ArchiveTimeStampSequence,
  evidenceRecordLimit,
  readEvidenceRecord,
  writeEvidenceRecord,
} from "../../manifests/time/evidence-record.ts";
import { authorityPath, type TimeStamp } from "../../manifests/time/token.ts";
import { type BundleSource, readSmall } from "../../manifests/verify/source.ts";
import { evidenceNumbers, evidencePath, recordGroup } from "../../manifests/verify/time-evidence.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import type { Anchored, AnchorWanted } from "./anchor.ts";
import { bundleTree } from "./bundle-tree.ts";
import { type GroupsBy, groupsOf } from "./group-hashes.ts";
import { openDocuments } from "./listed-documents.ts";
import { recordsOf, renewedTree } from "./one-document.ts";

/**
 * Renews every file of evidence by a token over its last token, while that still holds: the authority's path is looked at before, and the longer
 * record is read back before it replaces the one that is there. Refuses USAGE where there is none, TIME-*, CMS-*, PATH-* what does not hold any more,
 * TSA-ANSWER; what was renewed before stays.
 */
export async function renew(wanted: AnchorWanted, told: (one: Anchored) => void): Promise<void> {
  const { roots, urls } = wanted;
  await renewEach(wanted, told, async ({ chains }) => {
    const last = chains.at(-1)?.at(-1) as ArchiveTimeStamp;
    const digest = await nodeHost.digest(last.hash, last.token);
    const { token, ...rest } = await stampInTurn(urls, { hash: last.hash, digest }, roots);
    const longer = [...(chains.at(-1) ?? []), { hash: last.hash, tree: [], token }];
    return { chains: chains.with(-1, longer), rest };
  });
}

export interface AnotherHash {
  readonly hash: HashName;
  /** the folder of the documents; needed unless they came in plain envelopes */
  readonly documents: BundleSource | undefined;
}

/**
 * Renews every file of evidence by a new chain of another hash, over record, documents and seals hashed anew and all chains before; else as `renew`. What is not the document, the
 * list or the seal that the batch names is not hashed: refuses DOCUMENT-*, MANIFEST-BIND, SEAL-BIND; USAGE where the hash is the one that is in use, or the documents are not given.
 */
export async function renewByHash(
  wanted: AnchorWanted,
  { documents, hash }: AnotherHash,
  told: (one: Anchored) => void,
): Promise<void> {
  const { roots, source, urls } = wanted;
  const batch = await bundleTree(nodeHost, source);
  const groups: GroupsBy = groupsOf(nodeHost, source, batch, await openDocuments(batch, source, documents));
  await renewEach(wanted, told, async ({ chains, der, file }) => {
    if (chains.at(-1)?.at(-1)?.hash === hash) {
      throw new Refusal("USAGE", `the evidence is by ${hash} already: renew it without another hash`, { about: file });
    }
    const recordOf = await recordsOf(nodeHost, der, batch.tree, groups);
    const tree = await renewedTree(nodeHost, { hash, count: chains.length }, groups, recordOf);
    const { token, ...rest } = await stampInTurn(urls, { hash, digest: tree.root }, roots);
    const made = [...readEvidenceRecord(recordOf(0)), [{ hash, tree: tree.reduced(0), token }]];
    return { chains: made, rest: { ...rest, renewed: { hash, documents: batch.documents.length } } };
  });
}

interface Held {
  readonly file: string;
  readonly der: Uint8Array;
  readonly chains: ArchiveTimeStampSequence;
}

async function renewEach(
  { folder, roots, source }: AnchorWanted,
  told: (one: Anchored) => void,
  longer: (held: Held) => Promise<{
    readonly chains: ArchiveTimeStampSequence;
    readonly rest: Omit<Anchored, "file">;
  }>,
): Promise<void> {
  const numbers = await evidenceNumbers(source);
  if (numbers.length === 0) throw new Refusal("USAGE", "there is no evidence of time in this bundle to renew");
  const group: GroupHashes = recordGroup(nodeHost, source);
  for (const number of numbers) {
    const file = evidencePath(number);
    const der = await readSmall(source, file, evidenceRecordLimit);
    const stamps = await checkEvidence(nodeHost, der, group);
    await checkStillHolds(stamps.at(-1) as TimeStamp, roots, file);
    const { chains, rest } = await longer({ file, der, chains: readEvidenceRecord(der) });
    const record = writeEvidenceRecord(chains);
    // What replaces evidence must be read as what it replaces was, or that one stays.
    await checkEvidence(nodeHost, record, group);
    await writeDurable(join(folder, file), record, { mode: 0o644 });
    told({ ...rest, file });
  }
}

/** Of a file's last time-stamp. Refuses PATH-ROOT where it is under none of the roots, saying under which it is; and as `authorityPath`. */
async function checkStillHolds(stamp: TimeStamp, roots: readonly Uint8Array[], file: string): Promise<void> {
  try {
    await authorityPath(nodeHost, stamp, { roots, seen: utcOf(Date.now()) });
  } catch (cause) {
    if (!(cause instanceof Refusal) || cause.code !== "PATH-ROOT") throw cause;
    const { issuerText, subjectText } = stamp.certificate;
    throw new Refusal(
      "PATH-ROOT",
      `${file} cannot be renewed: its time-stamp is under none of the roots that you gave`,
      {
        expected: `--tsa-ca with the root above ${issuerText}, which issued ${subjectText}, whose time-stamp is renewed; beside the new authority's, where that is another`,
        got: roots.map((der) => readCertificate(der).subjectText).join("; "),
        about: file,
        cause,
      },
    );
  }
}
