/**
 * `npm run test:faults`: each write, sync, rename, open, removal and truncation that the box's processes make over a whole batch, from plugging to
 * release, kills the process or fails (EIO, ENOSPC), one at a time; what died is started again, the batch must come to its answer, and then the box
 * is asked for every promise. Exit status 1 when something was broken.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { seeded } from "../promises/dying-process.ts";
import { spread } from "./choose.ts";
import { canFakeTime } from "./clock/fake-clock.ts";
import { clockPoints } from "./clock/jumps.ts";
import { pointsOf } from "./measure.ts";
import { type Point, pointText, readPoint } from "./point.ts";
import { reportLines, reportOf } from "./report.ts";
import { counted, type Struck, sweep } from "./sweep.ts";
import { buildShim, canCompile } from "./token/build.ts";
import { canAttach } from "./tracer.ts";

/** So many points at least a quick run sweeps. */
const quickly = 200;

const program = new Command("test:faults")
  .option("--quick", "a sample of the points, for CI")
  .option("--seed <n>", "takes the sample of this seed again", whole, Date.now() % 1_000_000)
  .option("--points <points>", "these points alone, such as daemon.pool:fsync:3:EIO,signer.main:write:1:SIGKILL")
  .option("--many <n>", "a sample of so many points", whole)
  .option("--only <text>", "points whose text starts so, such as signer. or take.main:openat")
  .option("--lanes <n>", "boxes that are swept beside each other", whole, 4)
  .option("--verbose", "a line for each point")
  .option("--json <file>", "writes the figures as JSON")
  .parse();
const options = program.opts<{
  readonly quick?: true;
  readonly many?: number;
  readonly seed: number;
  readonly points?: string;
  readonly only?: string;
  readonly lanes: number;
  readonly json?: string;
  readonly verbose?: true;
}>();

if (canAttach()) await run();
else leftOut("faults at system calls, because strace cannot trace here");

async function run(): Promise<void> {
  const begun = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "coldseal-faults-"));
  try {
    const { seed } = options;
    const many = options.many ?? (options.quick ? quickly : undefined);
    process.stdout.write(`seed ${seed}\n`);
    const given = options.points?.split(",").map(readPoint);
    const place = { folder, shim: tokenShim(folder) };
    const counts = given ? [] : await counted(place);
    const all =
      given ?? [...pointsOf(counts), ...clockJumps()].filter((one) => pointText(one).startsWith(options.only ?? ""));
    const points = given ?? spread(all, seeded(seed));
    process.stdout.write(`${all.length} points${many === undefined ? "" : `, of which ${many} are swept`}\n`);
    const enough = (struck: readonly Struck[]) =>
      many !== undefined && struck.filter(({ outcome }) => outcome.struck).length >= many;
    let done = 0;
    const struck = await sweep(points, { place, lanes: options.lanes, enough }, (one) => {
      done++;
      if (one.outcome.broken.length > 0) process.stdout.write(brokenLines(one));
      if (options.verbose) process.stdout.write(pointLine(one));
      if (done % 50 === 0)
        process.stdout.write(`${done} points, ${Math.round((performance.now() - begun) / 1000)} s\n`);
    });
    const seconds = (performance.now() - begun) / 1000;
    const report = reportOf(struck, { all: given ? undefined : all.length, counted: counts, seed, seconds });
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(`${reportLines(report).join("\n")}\n`);
    if (report.violations > 0 || report.swept === 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The module between signer and token; undefined where there is no compiler. */
function tokenShim(folder: string): string | undefined {
  if (canCompile) return buildShim(folder);
  leftOut("faults of the token, because there is no C compiler");
  return undefined;
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

function brokenLines({ point, outcome }: Struck): string {
  const what = outcome.broken.map((one) => `    ${one.join(": ")}\n`).join("");
  return `BROKEN at ${pointText(point)}; again by: npm run test:faults -- --points ${pointText(point)}\n${what}`;
}

function whole(text: string): number {
  if (!/^[0-9]{1,6}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}
