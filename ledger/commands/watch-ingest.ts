/** Wires `coldseal ledger ingest --watch`: each stick that turns up is taken as `ingest STICK` takes it, and told; nothing but a signal ends it. */

import { statSync } from "node:fs";
import { faultWords } from "../../host/fault-words.ts";
import { refusalJson } from "../../host/terminal/refusal-lines.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, inOneLine, Refusal } from "../../manifests/refusal.ts";
import { isFinal, isNew, type Told } from "../ingest/ingest.ts";
import { ingestInto } from "../ingest/ingest-into.ts";
import { type WatchWork, watchFolder } from "../ingest/watch.ts";
import { openLedger } from "../ledger-folder.ts";
import { countsOf, endingOf, line, plain, summary } from "./ingest-words.ts";

export interface WatchOptions {
  readonly json?: boolean;
  /** seconds */
  readonly settle?: number;
}

const everyMs = 1000;
const againMs = 60_000;
const anewMs = 3_600_000;
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
    anew: anewMs,
    signal: stop.signal,
    left: (name, why) => say(`LEFT: ${shown(name === "" ? dir : name)}: ${shown(why)}`, { left: name, why }),
    take: stickTaker(folder, { json, say, signal: stop.signal }),
  });
  say("stopped: what was taken is in the ledger", { stopped: true });
}

interface Telling {
  readonly json: boolean | undefined;
  readonly say: (words: string, document: object) => void;
  readonly signal: AbortSignal;
}

/** Takes a stick, and tells of it what was not told of it before. Refuses STORE, BUSY, after telling so. */
export function stickTaker(folder: string, { json, say, signal }: Telling): WatchWork["take"] {
  // What a stick brought before the store failed is known the next time, and a change all the same.
  let changed = false;
  return async (stick, before) => {
    const told = new Set<string>();
    let final = true;
    const tell = (one: Told) => {
      if (isNew(one)) changed = true;
      if (one.result.kind === "known") return;
      const words = line(one);
      if (!isFinal(one)) {
        final = false;
        told.add(words);
      }
      if (!json && !before?.has(words)) say(words, {});
    };
    const ended = () => {
      const done = { changed, final, told };
      changed = false;
      return done;
    };
    try {
      const all = await takeStick(folder, stick, { tell, signal, passedOver: () => (final = false) });
      // Given on once more, and all is as it was.
      if (before && !changed && [...told].every((words) => before.has(words))) return ended();
      const ending = endingOf(all);
      const counts = countsOf(all);
      say(`${shown(stick)}: ${summary(counts)}`, {
        stick,
        counts,
        told: all.map(plain),
        ...(ending ? refusalJson(ending, consequence) : {}),
      });
    } catch (fault) {
      if (signal.aborted) return ended();
      const refusal = asRefusal(fault, "INTERNAL", "a stick could not be taken");
      const words = `${shown(stick)}: REFUSED ${shown(inOneLine(refusal.toRecord()))}`;
      if (!before?.has(words)) say(words, { stick, ...refusalJson(refusal, consequence) });
      if (refusal.code === "STORE" || refusal.code === "BUSY") throw refusal;
      // Nothing in it is for a ledger.
      final = refusal.code === "USAGE";
      told.add(words);
    }
    return ended();
  };
}

async function takeStick(folder: string, stick: string, hooks: Parameters<typeof ingestInto>[2]) {
  const ledger = await openLedger(folder);
  try {
    return await ingestInto(ledger, [stick], hooks);
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
