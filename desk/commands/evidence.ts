/** Wires `coldseal evidence`: evidence records of single documents, taken out of a bundle's. */

import { basename, join } from "node:path";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { evidenceRecordLimit } from "../../manifests/time/evidence-record.ts";
import { readSmall } from "../../manifests/verify/source.ts";
import { evidenceNumbers, evidencePath } from "../../manifests/verify/time-evidence.ts";
import { bundleTree } from "../anchor/bundle-tree.ts";
import { chosenDocuments } from "../anchor/chosen-documents.ts";
import { groupsOf } from "../anchor/group-hashes.ts";
import { openDocuments } from "../anchor/listed-documents.ts";
import { recordsOf } from "../anchor/one-document.ts";
import { folderAt, standText, writeNew, writtenLines } from "../new-files.ts";

export interface EvidenceOptions {
  /** the documents, where the evidence was renewed by another hash than the batch's */
  readonly documents?: string;
  readonly to: string;
  readonly json?: boolean;
}

/**
 * Writes, for the documents of these names or for all, a record of each file of evidence as `INDEX-NAME.NNNN.ers` into a folder; never over a file that
 * is there. Refuses USAGE, and as `bundleTree` and `recordsOf`.
 */
export async function runEvidence(
  folder: string,
  names: readonly string[],
  { documents: place, json, to }: EvidenceOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const source = bundleFolder(folder);
  const presented = place === undefined ? undefined : bundleFolder(place);
  try {
    const numbers = await evidenceNumbers(source);
    if (numbers.length === 0) {
      throw new Refusal("USAGE", "there is no evidence of time in this bundle", {
        expected: "a bundle that `coldseal anchor` was run on",
        about: folder,
      });
    }
    const batch = await bundleTree(nodeHost, source);
    const groups = groupsOf(nodeHost, source, batch, await openDocuments(batch, source, presented));
    const { documents, tree } = batch;
    const wanted = chosenDocuments(documents, names);
    await folderAt(to);
    const written: string[] = [];
    for (const number of numbers) {
      const record = await recordsOf(
        nodeHost,
        await readSmall(source, evidencePath(number), evidenceRecordLimit),
        tree,
        groups,
      );
      for (const { index, seal } of wanted) {
        const file = join(to, `${basename(seal, ".p7s")}.${String(number).padStart(4, "0")}.ers`);
        await writeNew(file, record(index));
        written.push(file);
        tell(standText(written.length, "file", to));
      }
    }
    if (json) process.stdout.write(`${JSON.stringify(written)}\n`);
    else process.stdout.write(`${linesOf(written, to).join("\n")}\n`);
  } finally {
    source.close();
    presented?.close();
  }
}

function linesOf(written: readonly string[], to: string): readonly string[] {
  return [
    ...writtenLines(written, "file", to),
    "Each is over one document and its seal: coldseal verify SEAL.p7s DOCUMENT --evidence FILE.ers --tsa-ca FILE",
  ];
}
