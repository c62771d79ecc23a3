/** Wires `coldseal ledger take`: all that a keeper does with a stick, one after another, and what is handed over with one document. */

import { basename, join } from "node:path";
import { logProofBytes } from "../../manifests/log/proof.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { writeNew } from "../anchor/write-evidence.ts";
import { openLedger } from "../ledger-folder.ts";
import { readSealToProve } from "../prove/into-bundle.ts";
import { proveInLog } from "../prove/prove.ts";
import { placesOf } from "../publish/places.ts";
import { runAcknowledge } from "./acknowledge.ts";
import { type AnchorOptions, runAnchor } from "./anchor.ts";
import { runEvidence } from "./evidence.ts";
import { runIngest } from "./ingest.ts";
import type { SigningOptions } from "./opened-log.ts";

export interface TakeOptions extends SigningOptions, Pick<AnchorOptions, "tsa" | "tsaCa"> {
  /** a document or its digest, and the folder for what is handed over with it */
  readonly document?: string;
  readonly to?: string;
}

/**
 * Ingests, publishes and acknowledges, asks for time, and hands over. A step that is refused hinders none of the others, as each goes on with what is there; ends with the
 * first refusal. Refuses USAGE.
 */
export async function runTake(
  folder: string,
  sticks: readonly string[],
  options: TakeOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const { document, json, to, tsa, tsaCa } = options;
  if (json) throw new Refusal("USAGE", "take tells people; programs use the commands that it is made of");
  if ((document === undefined) !== (to === undefined))
    throw new Refusal("USAGE", "--document and --to go together", { expected: "--document FILE --to DIR, or neither" });
  const asked = { ...(tsa ? { tsa } : {}), ...(tsaCa ? { tsaCa } : {}) };
  const steps: readonly (() => Promise<void>)[] = [
    () => runIngest(folder, sticks, {}, tell),
    () => runAcknowledge(folder, sticks, options, tell),
    () => runAnchor(folder, asked, tell),
    ...(document !== undefined && to !== undefined ? [() => handOver(folder, document, to)] : []),
  ];
  const refusals: Refusal[] = [];
  for (const step of steps) {
    await step().catch((fault) => refusals.push(asRefusal(fault, "INTERNAL", "a step failed")));
  }
  tell("what the lines above say was done, was done");
  const [first] = refusals;
  if (first) throw first;
}

/** The seal with all that it rests on, its batch's time, and the proof that both entries are in the log. */
async function handOver(folder: string, document: string, to: string): Promise<void> {
  await runEvidence(folder, undefined, { document, to });
  const wanted = await readSealToProve(to);
  const ledger = await openLedger(folder);
  try {
    const proof = await proveInLog(ledger, placesOf(ledger), wanted);
    const path = join(to, `${basename(wanted.line.seal, ".p7s")}.log.json`);
    const fresh = await writeNew(path, logProofBytes(proof));
    process.stdout.write(
      `${fresh ? "Written" : "There already"}: ${shown(path)}\nthe proof that it is in the log: name it by --evidence too, and the log's key by --log\n`,
    );
  } finally {
    ledger.close();
  }
}
