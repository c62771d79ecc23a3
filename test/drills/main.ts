/** `npm run drill -- NAME…`: breaks what docs/runbooks/ are about, on this machine, and says what held. Only parses and wires. */

import { join, resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { count, duration } from "../../host/terminal/amounts.ts";
import { endingRefusal, exitStatus, refusalLines } from "../../host/terminal/refusal-lines.ts";
import { usageRefusal } from "../../host/terminal/usage-refusal.ts";
import { shown } from "../../manifests/records/names.ts";
import { inOneLine, Refusal } from "../../manifests/refusal.ts";
import type { Drill } from "./drill.ts";
import { drillKey } from "./drill-key.ts";
import { drills, drillsNamed } from "./drills.ts";
import { writeRecord } from "./record.ts";
import { type DrillOutcome, runDrill } from "./run-drill.ts";

interface Options {
  readonly json?: string;
  readonly key: string;
  readonly keep?: string;
  readonly servers?: boolean;
}

const program = new Command("drill")
  .description("breaks what the runbooks are about, on this machine, measures, and says whether everything held")
  .argument("<names...>", "drills by name, or `all`; `list` says which there are")
  .option("--json <file>", "writes the record: FILE, FILE.p7m (the same, signed) and FILE.crt (who signed)")
  .option(
    "--key <dir>",
    "folder of the key that signs records; made there the first time",
    join(import.meta.dirname, "../../.cache/drills"),
  )
  .option("--keep <dir>", "a new folder in which what one drill made is left to look at")
  .option("--servers", "with all: also those that fetch and start servers")
  .exitOverride()
  .configureOutput({ outputError: () => undefined })
  .action((names: readonly string[], options: Options) => (names[0] === "list" ? list(names) : run(names, options)));

try {
  await program.parseAsync();
} catch (fault) {
  const refusal = fault instanceof CommanderError ? usageRefusal(fault) : endingRefusal(fault);
  if (refusal) {
    process.stderr.write(`${refusalLines(refusal, "no promise of Coldseal is judged by this").join("\n")}\n`);
    process.exitCode = exitStatus[refusal.kind];
  }
}
// What a drill that did not come to its end still holds open must not keep this process.
setTimeout(() => process.exit(), 3000).unref();

function list(names: readonly string[]): void {
  if (names.length > 1) throw new Refusal("USAGE", "list stands alone", { got: names.join(" ") });
  const width = Math.max(...drills.map(({ name }) => name.length)) + 2;
  for (const { about, name } of drills) process.stdout.write(`${name.padEnd(width)}${about}\n`);
}

/** Ends with DRILL where one failed. */
async function run(names: readonly string[], { json, keep, key, servers = false }: Options): Promise<void> {
  const chosen = chosenDrills(names, servers);
  if (keep !== undefined && chosen.length > 1) throw new Refusal("USAGE", "--keep goes with one drill");
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
  const outcomes: DrillOutcome[] = [];
  for (const drill of chosen) {
    process.stdout.write(`== ${drill.name}: ${drill.about}\n`);
    const say = (line: string) => process.stdout.write(`   ${shown(line)}\n`);
    const where = keep === undefined ? {} : { keep: resolve(keep) };
    const outcome = await runDrill(drill, { ...where, say, signal: interrupted.signal });
    outcomes.push(outcome);
    process.stdout.write(`${verdict(outcome)}\n`);
    if (interrupted.signal.aborted) break;
  }
  if (json !== undefined) {
    const { certificate, record, signed } = await writeRecord(resolve(json), outcomes, await drillKey(resolve(key)));
    process.stdout.write(`record: ${shown(record)}, signed ${shown(signed)} (by ${shown(certificate)})\n`);
  }
  const failed = outcomes.filter(({ passed }) => !passed);
  const [first] = failed;
  if (!first) return;
  throw new Refusal("DRILL", `${count(failed.length, "drill")} failed: ${failed.map(({ name }) => name).join(", ")}`, {
    expected: "every promise kept, and nothing lost",
    got: first.failure ? inOneLine(first.failure) : "it failed",
  });
}

/** Refuses USAGE. */
function chosenDrills(names: readonly string[], servers: boolean): readonly Drill[] {
  if (names[0] !== "all") {
    if (servers) throw new Refusal("USAGE", "--servers goes with all");
    return drillsNamed(names);
  }
  if (names.length > 1) throw new Refusal("USAGE", "all stands alone", { got: names.join(" ") });
  return drills.filter((one) => servers || !one.servers);
}

function verdict({ acknowledged, checks, failure, lost, name, passed, rtoSeconds, seconds }: DrillOutcome): string {
  if (!passed) return `FAILED ${name} after ${duration(seconds)}: ${failure ? shown(inOneLine(failure)) : ""}`;
  return `passed ${name}: ${rtoSeconds?.toFixed(2)} s until work went on; ${lost} lost of ${acknowledged}; ${checks} checks held; ${duration(seconds)} in all`;
}
