/** Runs one drill in a folder of its own, ends whatever it started, and says what came of it: that it failed is an answer, no fault. */

import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { checkResult, type Drill, type DrillContext, type DrillResult } from "./drill.ts";

/** null: it failed before that was measured. */
type Figures = { readonly [name in keyof Omit<DrillResult, "details">]: number | null };

export interface DrillOutcome extends Figures, Pick<DrillResult, "details"> {
  readonly name: string;
  readonly about: string;
  readonly passed: boolean;
  /** why it failed, else null */
  readonly failure: RefusalRecord | null;
  /** checks that held */
  readonly checks: number;
  readonly simulates: readonly string[];
  readonly started: Utc;
  /** all of it, with setting up */
  readonly seconds: number;
}

export interface RunDrillOptions {
  /** a new folder that stays, in place of one that is removed */
  readonly keep?: string;
  readonly say: (line: string) => void;
  /** of an interruption from outside */
  readonly signal?: AbortSignal;
}

const usualSeconds = 600;

/** Refuses USAGE where a program that it needs is not here, or the folder to keep cannot be made; whatever else happens is in the outcome. */
export async function runDrill(drill: Drill, { keep, say, signal }: RunDrillOptions): Promise<DrillOutcome> {
  checkNeeds(drill);
  const folder = keep === undefined ? await mkdtemp(join(tmpdir(), `coldseal-drill-`)) : await newFolder(keep);
  const started = utcOf(Date.now());
  const begun = performance.now();
  const ends: (() => Promise<void> | void)[] = [];
  const limit = AbortSignal.timeout((drill.mostSeconds ?? usualSeconds) * 1000);
  const stop = signal ? AbortSignal.any([signal, limit]) : limit;
  let checks = 0;
  let measured: Figures & Pick<DrillResult, "details"> = {
    rtoSeconds: null,
    acknowledged: null,
    lost: null,
    details: {},
  };
  const context: DrillContext = {
    folder,
    say,
    signal: stop,
    onEnd: (end) => void ends.push(end),
    measured: (result) => {
      measured = result;
    },
    check: (holds, what, got) => {
      if (!holds) throw new Refusal("DRILL", "what must hold did not", { expected: what, got: got ?? "it does not" });
      checks++;
    },
  };
  let failure: RefusalRecord | null = null;
  try {
    const result = await Promise.race([drill.run(context), stopped(stop, drill)]);
    measured = result;
    checkResult(drill, result);
  } catch (fault) {
    failure = failureOf(fault);
  }
  for (const end of ends.reverse()) {
    try {
      await end();
    } catch (fault) {
      failure ??= failureOf(fault);
    }
  }
  if (keep === undefined) await rm(folder, { recursive: true, force: true });
  const seconds = (performance.now() - begun) / 1000;
  const { about, name, simulates } = drill;
  return { ...measured, name, about, passed: failure === null, failure, checks, simulates, started, seconds };
}

/** Refuses USAGE. */
function checkNeeds({ name, needs }: Drill): void {
  const missing = needs.filter((program) => !isOnPath(program));
  if (missing.length === 0) return;
  throw new Refusal("USAGE", `the drill ${name} needs programs that are not here`, {
    expected: `on the PATH: ${needs.join(", ")}`,
    got: `without ${missing.join(", ")}`,
  });
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}

async function newFolder(path: string): Promise<string> {
  await mkdir(path, { mode: 0o700 }).catch((cause) => {
    throw new Refusal("USAGE", "the folder to keep cannot be made", { expected: "a new folder", got: path, cause });
  });
  return path;
}

function stopped(signal: AbortSignal, { mostSeconds = usualSeconds }: Drill): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => {
      const late = (signal.reason as Error | undefined)?.name === "TimeoutError";
      const got = late ? "it was still at work" : "it was interrupted";
      reject(
        new Refusal("DRILL", "the drill did not come to its end", { expected: `an end in ${mostSeconds} s`, got }),
      );
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

function failureOf(fault: unknown): RefusalRecord {
  return asRefusal(fault, "DRILL", `the drill broke off: ${(fault as Error).message}`).toRecord();
}
