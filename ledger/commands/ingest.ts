/** Wires `coldseal ledger ingest`: takes what sticks hold, and tells of each thing what became of it. */

import { exitStatus, refusalJson } from "../../host/terminal/refusal-lines.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Told } from "../ingest/ingest.ts";
import { ingestInto } from "../ingest/ingest-into.ts";
import { openLedger } from "../ledger-folder.ts";
import { countsOf, endingOf, line, plain, summary } from "./ingest-words.ts";
import type { WatchOptions } from "./watch-ingest.ts";

export interface IngestOptions extends WatchOptions {
  /** a folder in which sticks turn up */
  readonly watch?: string;
}

/** `tell` is told what holds, whatever fails. Ends with LEDGER-FORK where something came into dispute, else with the code of the first thing that was refused, else with LEDGER-GAP where something was left. */
export async function runIngest(
  folder: string,
  sticks: readonly string[],
  options: IngestOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const { json, watch } = options;
  if ((watch === undefined) === (sticks.length === 0)) {
    throw new Refusal("USAGE", "sticks are named, or a folder that is watched", { expected: "STICK…, or --watch DIR" });
  }
  if (watch !== undefined) {
    const { runWatch } = await import("./watch-ingest.ts");
    return runWatch(folder, watch, options);
  }
  const ledger = await openLedger(folder);
  try {
    tell("what was taken before stays taken, and the same again goes on");
    // What is known already changes nothing, and may be much.
    const told = (one: Told) => {
      if (!json && one.result.kind !== "known") process.stdout.write(`${line(one)}\n`);
    };
    const all = await ingestInto(ledger, sticks, { tell: told });
    const ending = endingOf(all);
    const counts = countsOf(all);
    if (json) {
      const refused = ending && refusalJson(ending, consequence);
      process.stdout.write(`${JSON.stringify({ counts, told: all.map(plain), ...refused })}\n`);
      if (ending) process.exitCode = exitStatus[ending.kind];
      return;
    }
    process.stdout.write(`${summary(counts)}\n`);
    tell(consequence);
    if (ending) throw ending;
  } finally {
    ledger.close();
  }
}

const consequence = "everything else was taken";
