/**
 * `npm run bench`: each case is set up, warmed up once, then measured several times in turn with its limits, so that a machine
 * that changes its speed changes it for both. Medians and spread; ratios are ours divided by the limit's.
 */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { projectRoot } from "../../demo/project-root.ts";
import { type BenchCase, type CaseReport, type Figure, type LimitName, missedOf, reportOf, spreadOf } from "./case.ts";
import { evidenceRecords } from "./evidence-records.ts";
import { intakeLarge, sealLarge } from "./large.ts";
import { ingestPostgres, ingestSqlite } from "./ledger-ingest.ts";
import { proofOfMillion } from "./ledger-proofs.ts";
import { firstSeal, sealingCases } from "./sealing.ts";
import { sealWithTime } from "./sealing-with-time.ts";
import { verifyMany } from "./verifying.ts";

const cases: readonly BenchCase[] = [
  ...sealingCases,
  sealWithTime,
  sealLarge,
  intakeLarge,
  verifyMany,
  evidenceRecords,
  firstSeal,
  ingestSqlite,
  ingestPostgres,
  proofOfMillion,
];

const program = new Command("bench")
  .description("measures Coldseal against its limits and peers")
  .option("--only <case>", `one case: ${cases.map(({ name }) => name).join(", ")}`)
  .option("--json <file>", "writes the figures as JSON")
  .option("--folder <dir>", "where everything is written", join(projectRoot, ".cache/bench"))
  .option("--repeats <n>", "measurements of each", positive, 5)
  .parse();
const options = program.opts<{
  readonly only?: string;
  readonly json?: string;
  readonly folder: string;
  readonly repeats: number;
}>();

const chosen = cases.filter(({ name }) => options.only === undefined || name === options.only);
if (chosen.length === 0) program.error(`there is no case ${options.only}`);

// Everything is kept until the end: after many files were removed, ext4 makes new ones ten times slower for half a minute.
const base = resolve(options.folder);
mkdirSync(base, { recursive: true });
const folder = mkdtempSync(join(base, "run-"));
// Servers run as another user, in folders of their own below.
chmodSync(folder, 0o711);
process.env.TMPDIR = folder;
const keep = setInterval(() => undefined, 1000);
try {
  say(
    `${availableParallelism()} cores, ${cpus()[0]?.model ?? "?"}, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`,
  );
  const reports: CaseReport[] = [];
  for (const one of chosen) reports.push(await run(one));
  if (options.json !== undefined) writeFileSync(resolve(options.json), `${JSON.stringify(reports, null, 2)}\n`);
} finally {
  clearInterval(keep);
  rmSync(folder, { recursive: true, force: true });
}

async function run(one: BenchCase): Promise<CaseReport> {
  const own = join(folder, one.name);
  mkdirSync(own);
  const running = await one.setUp(own, (limit, why) => say(`${one.name}: ${limit} CANNOT BE MEASURED: ${why}`));
  try {
    const figures: Figure[] = [];
    const limits = new Map(Object.keys(running.limits).map((limit) => [limit as LimitName, [] as number[]]));
    // The first round warms up.
    for (let round = 0; round <= options.repeats; round++) {
      const figure = await running.measure();
      if (round > 0) figures.push(figure);
      for (const [limit, measure] of Object.entries(running.limits)) {
        const value = await measure();
        if (round > 0) limits.get(limit as LimitName)?.push(value);
      }
    }
    const report = reportOf(one, figures, limits);
    tell(one, report, figures, limits);
    return report;
  } finally {
    await running.end();
  }
}

function tell(
  one: BenchCase,
  report: CaseReport,
  figures: readonly Figure[],
  limits: ReadonlyMap<LimitName, readonly number[]>,
): void {
  const { least, most } = spreadOf(figures.map(({ value }) => value));
  say(
    `\n${one.name}: ${report.value} ${one.unit} (${least.toFixed(0)} to ${most.toFixed(0)}), at most ${report.rssMiB} MiB`,
  );
  for (const [limit, values] of limits) {
    const spread = spreadOf(values);
    const of = report.limits[limit];
    say(
      `  ${limit.padEnd(14)} ${of?.value} (${spread.least.toFixed(0)} to ${spread.most.toFixed(0)}): ratio ${of?.ratio}`,
    );
  }
  const missed = missedOf(one, report);
  say(missed.length === 0 ? "  target reached" : `  target MISSED: ${missed.join("; ")}`);
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("a whole number from 1");
  return value;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
