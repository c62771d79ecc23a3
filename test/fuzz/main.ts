/**
 * `npm run fuzz -- --seconds N [--target NAME]… [--seed N] [--runs N] [--jobs N] [--out DIR]`: hostile input for every
 * reader. Prints the seed, what is found, and figures for each target; ends with 1 if anything was found.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type DoneMessage, type FoundMessage, heap, runJob } from "./job-process.ts";
import { memoryLimit } from "./target.ts";
import { targetsNamed } from "./targets.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    target: { type: "string", multiple: true, default: [] },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    runs: { type: "string" },
    jobs: { type: "string", default: "2" },
    out: { type: "string" },
  },
});

const seconds = number("seconds", values.seconds);
const seed = number("seed", values.seed);
const runs = values.runs === undefined ? Number.MAX_SAFE_INTEGER : number("runs", values.runs);
const names = targetsNamed(values.target).map(({ name }) => name);
const jobs = Math.max(1, Math.min(number("jobs", values.jobs), names.length));
const out = values.out ?? mkdtempSync(join(tmpdir(), "coldseal-fuzz-"));
mkdirSync(out, { recursive: true });
say(`seed ${seed}, ${names.length} targets, ${seconds} s in ${jobs} processes, findings go to ${out}`);

const findings = new Map<string, FoundMessage>();
const ended = await Promise.all(Array.from({ length: jobs }, (_, job) => fuzz(job)));
const figures = ended.flat().filter((one) => one !== undefined);
report(figures);
say(`${findings.size} findings${findings.size > 0 ? ` in ${out}` : ""}`);
process.exitCode = findings.size > 0 || figures.length === 0 ? 1 : 0;

/** One process after another for a share of the targets: one that died is followed by another, with another seed. */
async function fuzz(job: number): Promise<DoneMessage[]> {
  const targets = names.filter((_, at) => at % jobs === job);
  const end = performance.now() + seconds * 1000;
  const done: DoneMessage[] = [];
  for (let round = 0; round === 0 || performance.now() < end - 1000; round++) {
    const time = round === 0 ? seconds * 1000 : end - performance.now();
    const options = { targets, seed: seed + round * 1000, time, runs, blackBox: join(out, `at-${job}`) };
    const message = await runJob(options, onFinding);
    if (message) {
      done.push(message);
      break;
    }
  }
  return done;
}

function onFinding(found: FoundMessage): void {
  const key = `${found.target} ${found.words}`;
  if (findings.has(key)) return;
  const file = join(out, `${found.target}-${findings.size + 1}`);
  writeFileSync(file, Buffer.from(found.small, "base64"));
  writeFileSync(`${file}.full`, Buffer.from(found.input, "base64"));
  if (found.failure === "memory" && !takesMemory(found.target, `${file}.full`)) return;
  findings.set(key, found);
  writeFileSync(
    `${file}.txt`,
    `target ${found.target}\nseed ${seed}\nfound ${found.words}\nafter ${found.after} runs, ${found.seconds.toFixed(1)} s\n\n${found.detail}\n`,
  );
  say(
    `FOUND ${found.target}: ${found.words} (${Buffer.from(found.small, "base64").length} bytes, after ${found.after} runs, ${found.seconds.toFixed(1)} s) ${file}`,
  );
}

/** Whether an input takes its memory in a fresh process too, and not only what garbage had gathered before it. */
function takesMemory(target: string, file: string): boolean {
  const args = ["--expose-gc", `--max-old-space-size=${heap}`, join(import.meta.dirname, "measure.ts"), target, file];
  try {
    const { grown } = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as { grown: number };
    return grown > memoryLimit;
  } catch {
    return true;
  }
}

function report(all: readonly DoneMessage[]): void {
  const rows = all.flatMap((done) => done.figures).sort((a, b) => (a.target < b.target ? -1 : 1));
  say(
    `${"target".padEnd(24)}${"runs".padStart(10)}${"runs/s".padStart(9)}${"accepted".padStart(10)}${"outcomes".padStart(10)}${"slowest ms".padStart(12)}`,
  );
  for (const { target, runs: count, spent, accepted, outcomes, slowest, slowestInput } of rows) {
    say(
      `${target.padEnd(24)}${String(count).padStart(10)}${String(Math.round((count / spent) * 1000)).padStart(9)}${String(accepted).padStart(10)}${String(outcomes).padStart(10)}${slowest.toFixed(1).padStart(12)}`,
    );
    if (slowestInput !== "") writeFileSync(join(out, `slowest-${target}`), Buffer.from(slowestInput, "base64"));
  }
  const total = rows.reduce((sum, row) => sum + row.runs, 0);
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const memory = all.map(({ startRss, maxRss }) => `${mebibytes(maxRss)} (${mebibytes(startRss)} after set-up)`);
  say(`${total} runs; most memory of a whole process: ${memory.join(", ")}`);
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} wants a whole number, got ${text}\n`);
  process.exit(2);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
