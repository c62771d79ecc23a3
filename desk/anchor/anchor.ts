/** Anchoring a bundle: evidence of time is added to it; not a byte of what the box made is changed. */

import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { failureText, type Stamped, stampInTurn, turns } from "../../host/tsa/tsa-client.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";
import {
  checkNotBefore,
  evidenceFolder,
  evidenceNumbers,
  evidencePath,
  latestOf,
  mostFiles,
} from "../../manifests/verify/time-evidence.ts";
import { bundleTree } from "./bundle-tree.ts";

/** One file of evidence, written or written anew; durable. */
export interface Anchored extends Omit<Stamped, "token"> {
  readonly file: string;
  /** by which other hash it was renewed, over the record and how many documents with their seals */
  readonly renewed?: { readonly hash: HashName; readonly documents: number };
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
