/** Wires `coldseal ledger ingest --watch`: each stick that turns up is taken as `ingest STICK` takes it, and told; nothing but a signal ends it. */

import { statSync } from "node:fs";
import { faultWords } from "../../host/fault-words.ts";
import { refusalJson } from "../../host/terminal/refusal-lines.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, inOneLine, Refusal } from "../../manifests/refusal.ts";
import { ingestInto } from "../ingest/ingest-into.ts";
import { watchFolder } from "../ingest/watch.ts";
import { openLedger } from "../ledger-folder.ts";
import { countsOf, endingOf, line, plain, summary } from "./ingest.ts";

export interface WatchOptions {
  readonly json?: boolean;
  /** seconds */
  readonly settle?: number;
}

const everyMs = 1000;
const againMs = 60_000;
const mostSettle = 86_400;
const consequence = "everything else was taken, and watching goes on";

/** Exit status 0 once it is told to stop (SIGTERM, SIGINT). With `--json` one document a line. Refuses USAGE a folder that is not there. */
export async function runWatch(folder: string, dir: string, { json, settle = 5 }: WatchOptions): Promise<void> {
  if (!(settle >= 0 && settle <= mostSettle))
    throw new Refusal("USAGE", "--settle expects seconds", { expected: `0 to ${mostSettle}`, got: `${settle}` });
  checkFolder(dir);
  // A ledger that cannot be opened is said at once.
  (await openLedger(folder)).close();
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  const say = (words: string, document: object) => process.stdout.write(`${json ? JSON.stringify(document) : words}\n`);
  say(`watching ${shown(dir)}`, { watching: dir });
  await watchFolder({
    dir,
    settle: settle * 1000,
    every: everyMs,
    again: againMs,
    signal: stop.signal,
    left: (name, why) => say(`LEFT: ${shown(name === "" ? dir : name)}: ${shown(why)}`, { left: name, why }),
    take: async (stick) => {
      try {
        await takeStick(folder, stick, { json, say, signal: stop.signal });
      } catch (fault) {
        if (stop.signal.aborted) return;
        const refusal = asRefusal(fault, "INTERNAL", "a stick could not be taken");
        say(`${shown(stick)}: REFUSED ${shown(inOneLine(refusal.toRecord()))}`, {
          stick,
          ...refusalJson(refusal, consequence),
        });
        throw refusal;
      }
    },
  });
  say("stopped: what was taken is in the ledger", { stopped: true });
}

async function takeStick(
  folder: string,
  stick: string,
  {
    json,
    say,
    signal,
  }: {
    readonly json: boolean | undefined;
    readonly say: (words: string, document: object) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const ledger = await openLedger(folder);
  try {
    const tell = (told: Parameters<typeof line>[0]) => {
      if (!json && told.result.kind !== "known") say(line(told), {});
    };
    const all = await ingestInto(ledger, [stick], tell, signal);
    const ending = endingOf(all);
    const counts = countsOf(all);
    say(`${shown(stick)}: ${summary(counts)}`, {
      stick,
      counts,
      told: all.map(plain),
      ...(ending ? refusalJson(ending, consequence) : {}),
    });
  } finally {
    ledger.close();
  }
}

function checkFolder(dir: string): void {
  let isFolder = false;
  try {
    isFolder = statSync(dir).isDirectory();
  } catch (cause) {
    throw new Refusal("USAGE", "the folder to watch cannot be looked at", {
      got: faultWords(cause),
      about: dir,
      cause,
    });
  }
  if (!isFolder) throw new Refusal("USAGE", "what shall be watched is no folder", { about: dir });
}
