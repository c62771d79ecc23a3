/**
 * `npm run test:faults`: each write, sync, rename, open, removal and truncation that the box's processes make over a whole batch, from plugging to
 * release, kills the process or fails (EIO, ENOSPC), one at a time; what died is started again, the batch must come to its answer, and then the box
 * is asked for every promise. Exit status 1 when something was broken.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { projectRoot } from "../../demo/project-root.ts";
import { boxFolders, softwareOf } from "../../host/software-digest.ts";
import { seeded } from "../promises/dying-process.ts";
import { buildShim, buildStarter, canCompile } from "./build.ts";
import { chainsOf, chainText, givenChains } from "./chain.ts";
import { spread } from "./choose.ts";
import { canFakeTime } from "./clock/fake-clock.ts";
import { clockPoints } from "./clock/jumps.ts";
import type { Between } from "./fault-box.ts";
import { pointsOf } from "./measure.ts";
import { type Point, pointText, readPoint } from "./point.ts";
import { type Report, reportLines, reportOf } from "./report.ts";
import { counted, type Struck, sweep } from "./sweep.ts";
import { canAttach } from "./tracer.ts";

/** So many points at least a quick run sweeps. */
const quickly = 200;
/** Points between two notes of how far it is. */
const noted = 50;

const program = new Command("test:faults")
  .option("--quick", "a sample of the points, for CI")
  .option("--seed <n>", "takes the sample of this seed again", whole)
  .option(
    "--points <points>",
    "these alone, such as daemon.pool:fsync:3:EIO,signer.main:write:1:SIGKILL; with + in one batch",
  )
  .option("--many <n>", "a sample of so many points", whole)
  .option("--only <texts>", "points whose text starts so, such as signer.main,take.main:openat")
  .option("--lanes <n>", "boxes that are swept beside each other", whole, 4)
  .option("--minutes <n>", "begins nothing new after so many", whole)
  .option(
    "--resume <file>",
    "goes on from the JSON of a run of the same source: its list of points, without those that it swept",
  )
  .option("--verbose", "a line for each point")
  .option("--json <file>", "writes the figures as JSON, also while it runs")
  .parse();
const options = program.opts<{
  readonly quick?: true;
  readonly many?: number;
  readonly seed?: number;
  readonly points?: string;
  readonly only?: string;
  readonly lanes: number;
  readonly minutes?: number;
  readonly resume?: string;
  readonly json?: string;
  readonly verbose?: true;
}>();

if (canAttach()) await run();
else leftOut("faults at system calls, because strace cannot trace here");

async function run(): Promise<void> {
  const begun = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "coldseal-faults-"));
  try {
    const source = sourceDigest();
    const earlier = options.resume === undefined ? undefined : readEarlier(options.resume, source);
    const seed = options.seed ?? earlier?.seed ?? Date.now() % 1_000_000;
    const many = options.many ?? (options.quick ? quickly : undefined);
    process.stdout.write(`seed ${seed}\n`);
    const given = options.points?.split(",").map((chain) => chain.split("+").map(readPoint));
    const place = { folder, ...between(folder) };
    const counts = given ? [] : (earlier?.counted ?? (await counted(place)));
    const list = [...pointsOf(counts), ...clockJumps()];
    const done = new Set(earlier?.done);
    const only = (options.only ?? "").split(",");
    const isWanted = (text: string) => only.some((start) => text.startsWith(start)) && !done.has(text);
    const wanted = list.filter((one) => isWanted(pointText(one)));
    const queue = given ? givenChains(given) : chainsOf(spread(wanted, seeded(seed)));
    const sample = many === undefined ? "" : `, of which ${many} are swept`;
    process.stdout.write(given ? "" : `${list.length} points, ${wanted.length} of them to do${sample}\n`);
    const enough = (struck: readonly Struck[]) =>
      (many !== undefined && struck.filter(({ outcome }) => outcome.struck).length >= many) ||
      (options.minutes !== undefined && performance.now() - begun > options.minutes * 60_000);
    const struck: Struck[] = [];
    const report = () => {
      const seconds = (performance.now() - begun) / 1000;
      const all = given ? undefined : list.length;
      const made = reportOf(struck, { all, counted: counts, seed, seconds, source }, earlier);
      if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(made, null, 2)}\n`);
      return made;
    };
    await sweep(queue, { place, lanes: options.lanes, enough }, (one) => {
      struck.push(one);
      if (one.outcome.broken.length > 0) process.stdout.write(brokenLines(one));
      if (options.verbose) process.stdout.write(pointLine(one));
      if (struck.length % noted !== 0) return;
      process.stdout.write(`${struck.length} points, ${Math.round((performance.now() - begun) / 1000)} s\n`);
      report();
    });
    const made = report();
    process.stdout.write(`${reportLines(made).join("\n")}\n`);
    if (made.violations > 0 || made.swept === 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What stands between processes and what they reach; nothing where there is no compiler. */
function between(folder: string): Between {
  if (canCompile) return { shim: buildShim(folder), starter: buildStarter(folder) };
  leftOut("faults of starts and of the token, because there is no C compiler");
  return {};
}

/** Over what is swept, and what sweeps. */
function sourceDigest(): string {
  return softwareOf(projectRoot, [...boxFolders, "test/faults", "test/promises"]).digest;
}

/** The JSON of an earlier run. Throws where that was of another source. */
function readEarlier(file: string, source: string): Report {
  const earlier = JSON.parse(readFileSync(file, "utf8")) as Report;
  if (earlier.source === source && earlier.all !== undefined) return earlier;
  throw new Error(`${file} is of another source or of given points: begin anew, without --resume`);
}

/** Jumps of the clock; none where there is no libfaketime. */
function clockJumps(): readonly Point[] {
  if (canFakeTime) return clockPoints;
  leftOut("jumps of the clock, because there is no libfaketime");
  return [];
}

function leftOut(what: string): void {
  if (process.env.CI === undefined) process.stdout.write(`NOT TESTED: ${what}\n`);
  else {
    process.stdout.write(`FAILED: ${what}\n`);
    process.exitCode = 1;
  }
}

function pointLine({ point, outcome, seconds }: Struck): string {
  const { struck, restarted, byHand, told, refused } = outcome;
  const ended = byHand ? [told ? "ended by people as it told" : "ended by people"] : [];
  const notes = [struck ? "struck" : "missed", ...restarted, ...ended, ...(refused === undefined ? [] : [refused])];
  return `${pointText(point).padEnd(40)} ${seconds.toFixed(1).padStart(5)} s  ${notes.join(" ")}\n`;
}

function brokenLines({ point, outcome, chain }: Struck): string {
  const what = outcome.broken.map((one) => `    ${one.join(": ")}\n`).join("");
  return `BROKEN at ${pointText(point)}; again by: npm run test:faults -- --points ${chainText(chain)}\n${what}`;
}

function whole(text: string): number {
  if (!/^[0-9]{1,6}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}
