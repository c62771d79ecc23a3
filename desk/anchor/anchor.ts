/** Anchoring a bundle: evidence of time is added to it, or what is there is renewed; not a byte of what the box made is changed. */

import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkEvidence } from "../../manifests/time/check-evidence.ts";
import {
  type ArchiveTimeStamp,
  evidenceRecordLimit,
  readEvidenceRecord,
  writeEvidenceRecord,
} from "../../manifests/time/evidence-record.ts";
import { authorityPath, type TimeStamp } from "../../manifests/time/token.ts";
import { type BundleSource, readSmall } from "../../manifests/verify/source.ts";
import {
  checkNotBefore,
  evidenceFolder,
  evidenceName,
  evidencePath,
  latestOf,
  mostFiles,
  recordGroup,
} from "../../manifests/verify/time-evidence.ts";
import { bundleTree } from "./bundle-tree.ts";
import { failureText, type Stamped, stampInTurn, turns } from "./tsa-client.ts";

/** One file of evidence, written or written anew; durable. */
export interface Anchored extends Omit<Stamped, "token"> {
  readonly file: string;
}

export interface AnchorWanted {
  readonly folder: string;
  readonly source: BundleSource;
  readonly urls: readonly string[];
  /** roots of the authorities, DER */
  readonly roots: readonly Uint8Array[];
}

/**
 * Adds a file of evidence by the first authority that answers or, with `each`, one by each of them: all are asked, what those gave that answered stays, and
 * then the refusal names those that did not. Refuses TSA-ANSWER, TIME-ORDER where the authority's time is before the batch's, and as `bundleTree`.
 */
export async function anchor(
  { folder, roots, source, urls }: AnchorWanted,
  each: boolean,
  told: (one: Anchored) => void,
): Promise<void> {
  const { manifest, tree } = await bundleTree(nodeHost, source);
  const numbers = await evidenceNumbers(source);
  if (numbers.length + (each ? urls.length : 1) > mostFiles || (numbers.at(-1) ?? 0) > 9999 - mostFiles) {
    throw new Refusal("USAGE", "this bundle has as many files of evidence as one may have: renew them", {
      expected: `at most ${mostFiles}`,
      got: `${numbers.length} are there`,
    });
  }
  let number = numbers.at(-1) ?? 0;
  const failed: string[] = [];
  for (const those of turns(urls, each)) {
    let stamped: Stamped;
    try {
      stamped = await stampInTurn(those, { hash: tree.hash, digest: tree.root }, roots);
      checkNotBefore({ time: latestOf(stamped.stamp.info) }, manifest.created, manifest.clock.claimedErrorSeconds);
    } catch (fault) {
      if (!each || !(fault instanceof Refusal)) throw fault;
      failed.push(fault.got ?? `${those.join("")}: ${failureText(fault)}`);
      continue;
    }
    const file = evidencePath(++number);
    const { token, ...rest } = stamped;
    await makeFolder(join(folder, evidenceFolder), 0o755);
    const record = writeEvidenceRecord([[{ hash: tree.hash, tree: tree.reduced(0), token }]]);
    await writeDurable(join(folder, file), record, { mode: 0o644 });
    told({ ...rest, file });
  }
  if (failed.length === 0) return;
  throw new Refusal("TSA-ANSWER", `${failed.length} of ${urls.length} authorities gave no token that counts`, {
    expected: "a token of each of them",
    got: failed.join("; "),
  });
}

/**
 * Renews every file of evidence by a token over its last token (RFC 4998 5.2), while that still holds: the authority's path is looked at before, and the longer
 * record is read back before it replaces the one that is there. Refuses USAGE where there is none, TIME-*, CMS-*, PATH-* what does not hold any more,
 * TSA-ANSWER; what was renewed before stays.
 */
export async function renew(
  { folder, roots, source, urls }: AnchorWanted,
  told: (one: Anchored) => void,
): Promise<void> {
  const numbers = await evidenceNumbers(source);
  if (numbers.length === 0) throw new Refusal("USAGE", "there is no evidence of time in this bundle to renew");
  const group = recordGroup(nodeHost, source);
  for (const number of numbers) {
    const file = evidencePath(number);
    const der = await readSmall(source, file, evidenceRecordLimit);
    const stamps = await checkEvidence(nodeHost, der, group);
    await authorityPath(nodeHost, stamps.at(-1) as TimeStamp, { roots, seen: utcOf(Date.now()) });
    const chains = readEvidenceRecord(der);
    const last = chains.at(-1)?.at(-1) as ArchiveTimeStamp;
    const digest = await nodeHost.digest(last.hash, last.token);
    const { token, ...rest } = await stampInTurn(urls, { hash: last.hash, digest }, roots);
    const longer = writeEvidenceRecord(
      chains.with(-1, [...(chains.at(-1) ?? []), { hash: last.hash, tree: [], token }]),
    );
    // What replaces evidence must be read as what it replaces was, or that one stays.
    await checkEvidence(nodeHost, longer, group);
    await writeDurable(join(folder, file), longer, { mode: 0o644 });
    told({ ...rest, file });
  }
}

/** Numbers of the files of evidence, ascending. Refuses BUNDLE-FORM where the folder cannot be read. */
export async function evidenceNumbers(source: BundleSource): Promise<readonly number[]> {
  const names = await source.list(evidenceFolder);
  return names.flatMap((name) => evidenceName.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
}
