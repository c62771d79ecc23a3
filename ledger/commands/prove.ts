/** Wires `coldseal ledger prove`: the proof that a bundle is in the log, into the bundle; or that of one document, into a file. */

import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { openLedger } from "../ledger-folder.ts";
import { intoBundle, intoNewFile, readToProve } from "../prove/into-bundle.ts";
import { proveInLog } from "../prove/prove.ts";
import { placesOf } from "../publish/places.ts";
import { give } from "./asked.ts";

interface ProveOptions {
  /** index of one document, from 1 */
  readonly document?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** Refuses USAGE, and as `readToProve`, `proveInLog` and what writes the file. */
export async function runProve(folder: string, bundle: string, { document, json, to }: ProveOptions): Promise<void> {
  const index = indexIn(document, to);
  const wanted = await readToProve(bundle, index);
  const ledger = await openLedger(folder);
  try {
    const proof = await proveInLog(ledger, placesOf(ledger), wanted);
    const { changed, file } = await put(bundle, to, proof);
    const entries = proof.entries.map((one) => ({ index: one.index, type: one.record.type }));
    give(json, { file, changed, entries }, () => [
      `${changed ? "written" : "there already"}: ${shown(file)}`,
      ...entries.map((one) => `  entry ${one.index}: ${one.type}`),
    ]);
  } finally {
    ledger.close();
  }
}

async function put(bundle: string, to: string | undefined, proof: Parameters<typeof intoBundle>[1]) {
  if (to === undefined) return intoBundle(bundle, proof);
  await intoNewFile(to, proof);
  return { file: to, changed: true };
}

/** A document's proof opens its line, which the whole batch's must not: it goes into a file of its own. */
function indexIn(document: string | undefined, to: string | undefined): number | undefined {
  if ((document === undefined) !== (to === undefined)) {
    throw new Refusal("USAGE", "--document and --to go together", {
      expected: "--document INDEX --to FILE, or neither",
    });
  }
  if (document === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(document)) return Number(document);
  throw new Refusal("USAGE", "--document expects an index from 1", { got: document });
}
