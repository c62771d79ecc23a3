/** Wires `coldseal pack`: proof containers of a batch, or of its documents one by one. */

import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { makeFolder } from "../../host/durable.ts";
import { count, exactSize } from "../../host/terminal/amounts.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { chosenDocuments } from "../anchor/chosen-documents.ts";
import { type BatchToPack, batchToPack } from "../container/batch-to-pack.ts";
import { packBatch } from "../container/pack-batch.ts";
import { documentPacker } from "../container/pack-document.ts";
import { fileFault } from "../file-fault.ts";
import { standText, writtenLines } from "../new-files.ts";

export interface PackOptions {
  readonly documents?: string;
  readonly each?: boolean;
  /** a new file or, with `each`, a folder */
  readonly to: string;
  readonly json?: boolean;
}

/** Refuses USAGE, and what `packBatch` and `documentPacker` refuse; containers that were written before stay. */
export async function runPack(
  folder: string,
  names: readonly string[],
  { documents, each = false, json, to }: PackOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  if (!each && names.length > 0) {
    throw new Refusal("USAGE", "single documents go into containers of their own", {
      expected: "--each",
      got: names[0] ?? "",
    });
  }
  const source = bundleFolder(folder);
  const presented = documents === undefined ? undefined : bundleFolder(documents);
  try {
    const batch = await batchToPack(nodeHost, source, presented);
    const { lines, written } = each ? await packEach(batch, names, to, tell) : await packWhole(batch, to);
    if (json) process.stdout.write(`${JSON.stringify(written)}\n`);
    else process.stdout.write(`${[...lines, `Nothing of it was verified. Now: ${next(each, to)}`].join("\n")}\n`);
  } finally {
    source.close();
    presented?.close();
  }
}

async function packWhole(batch: BatchToPack, to: string) {
  const { bytes, documents, evidence, file } = await packBatch(nodeHost, batch, to);
  const what = `${count(documents, "document")}, ${count(evidence, "file of evidence", "files of evidence")}`;
  return { lines: [`Written: ${shown(file)}, ${exactSize(bytes)}: ${what}`], written: [file] };
}

async function packEach(batch: BatchToPack, names: readonly string[], to: string, tell: (text: string) => void) {
  const wanted = chosenDocuments(batch.documents, names);
  const pack = await documentPacker(nodeHost, batch, to);
  await makeFolder(to, 0o755).catch((fault) => {
    throw fileFault(fault, "write a file", to);
  });
  const written: string[] = [];
  for (const document of wanted) {
    written.push(await pack(document));
    tell(standText(written.length, "container", to));
  }
  return { lines: writtenLines(written, "container", to), written };
}

function next(each: boolean, to: string): string {
  return `coldseal verify ${each ? "FILE.asics" : shown(to)} --ca FILE --tsa-ca FILE`;
}
