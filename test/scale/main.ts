/**
 * `npm run test:scale`: whole batches of a growing number of documents, and one large document, through the real box and the desk.
 * Prints how long each step took, the most memory that each process held, and the slowest answer to `list` and `status`
 * meanwhile. Fails when a process held more than 300 MiB, when an answer took longer than a second, or when anything did not verify.
 */

import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { approve, submit, succeeded } from "../../demo/people.ts";
import { projectRoot } from "../../demo/project-root.ts";
import { timeOf } from "../bench/box-times.ts";
import { pinnedBytes } from "../bench/pinned-bytes.ts";
import { peakMiB } from "../bench/process-memory.ts";
import { type WholeBox, wholeBox } from "../e2e/whole-box.ts";

const mostMiB = 300;
const slowestAnswer = 1000;

const program = new Command("test:scale")
  .option("--documents <n,…>", "sizes of the batches", numbers, [1000, 10_000, 100_000])
  .option("--large <gib>", "also one document of so many GiB", Number, 0)
  .option("--json <file>", "writes the figures as JSON")
  .option("--folder <dir>", "where everything is written", join(projectRoot, ".cache/scale"))
  .parse();
const options = program.opts<{
  readonly documents: number[];
  readonly large: number;
  readonly json?: string;
  readonly folder: string;
}>();

interface Row {
  readonly batch: string;
  readonly documents: number;
  readonly MiB: number;
  /** seconds: at the desk, from stick to spool, from authorised to sealed, from sealed to released, at the desk again */
  readonly create: number;
  readonly intake: number;
  readonly seal: number;
  readonly release: number;
  readonly verify: number;
  readonly memory: Readonly<Record<string, number>>;
  /** milliseconds */
  readonly slowestList: number;
  readonly slowestStatus: number;
}

const base = resolve(options.folder);
mkdirSync(base, { recursive: true });
const folder = mkdtempSync(join(base, "run-"));
process.env.TMPDIR = folder;
const failed: string[] = [];
try {
  const limits = { documents: 200_000, documentBytes: 2 ** 36, batchBytes: 2 ** 37 };
  const whole = await wholeBox({ limits });
  try {
    const rows: Row[] = [];
    for (const count of options.documents) rows.push(await run(whole, `of-${count}`, count, 512));
    if (options.large > 0) rows.push(await run(whole, "large", 1, options.large * 2 ** 30));
    for (const row of rows) check(row);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  } finally {
    await whole.end();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const line of failed) process.stdout.write(`FAILED: ${line}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function run(whole: WholeBox, batch: string, count: number, bytes: number): Promise<Row> {
  const source = join(folder, "documents", batch);
  mkdirSync(source, { recursive: true });
  await makeDocuments(source, count, bytes);
  const begun = performance.now();
  const slip = await submit(whole.paths, [source], ["--batch", batch]);
  const create = seconds(begun);
  const watch = watchBox(whole);
  try {
    await untilApprovable(whole, batch);
    const intake = ((await timeOf(whole, batch, "taken")) - (await timeOf(whole, batch, "copying"))) / 1000;
    for (const operator of whole.paths.operators.slice(0, 2)) succeeded(await approve(operator, slip), "approve");
    const released = await timeOf(whole, batch, "released");
    const sealed = await timeOf(whole, batch, "sealed");
    const seal = (sealed - (await timeOf(whole, batch, "authorised"))) / 1000;
    const verifying = performance.now();
    const verified = await whole.verify(batch);
    if (verified.status !== 0) failed.push(`${batch}: coldseal verify ended with ${verified.status}`);
    const row: Row = {
      batch,
      documents: count,
      MiB: Math.round((count * bytes) / (1 << 20)),
      create,
      intake,
      seal,
      release: (released - sealed) / 1000,
      verify: seconds(verifying),
      ...(await watch.end()),
    };
    process.stdout.write(`${JSON.stringify(row)}\n`);
    return row;
  } finally {
    await watch.end();
  }
}

/** Small ones are different from each other; a large one repeats a block, so that making it costs little. */
async function makeDocuments(source: string, count: number, bytes: number): Promise<void> {
  if (count > 1) {
    const all = pinnedBytes("scale", count + bytes);
    for (let at = 0; at < count; at++) writeFileSync(join(source, `document-${at}.txt`), all.subarray(at, at + bytes));
    return;
  }
  const block = pinnedBytes("large", 1 << 20);
  const file = createWriteStream(join(source, "large.bin"));
  for (let at = 0; at < bytes; at += block.length) if (!file.write(block)) await once(file, "drain");
  file.end();
  await once(file, "close");
}

/** Looks at the box all the time, as impatient people do. */
function watchBox(whole: WholeBox) {
  const memory: Record<string, number> = { signer: 0, daemon: 0, intake: 0 };
  let slowestList = 0;
  let slowestStatus = 0;
  let over = false;
  const timed = async (work: () => Promise<unknown>) => {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };
  const looking = (async () => {
    while (!over) {
      slowestList = Math.max(slowestList, await timed(() => whole.daemon.list()));
      slowestStatus = Math.max(slowestStatus, await timed(() => whole.daemon.status()));
      const { signer, daemon, intake } = whole.box.pids();
      for (const [name, pids] of Object.entries({ signer: [signer], daemon: [daemon], intake })) {
        memory[name] = Math.max(memory[name] ?? 0, Math.ceil(peakMiB(pids)));
      }
      await setTimeout(100);
    }
  })();
  return {
    async end() {
      over = true;
      await looking;
      return { memory, slowestList: Math.round(slowestList), slowestStatus: Math.round(slowestStatus) };
    },
  };
}

async function untilApprovable(whole: WholeBox, batch: string): Promise<void> {
  for (;;) {
    const rows = (await whole.daemon.list(true)).filter((one) => one.folder === batch);
    if (rows.some(({ state }) => state === "waiting-for-approval")) return;
    const row = rows.find(({ refusal }) => refusal);
    if (row?.refusal) throw new Error(`${batch} was refused: ${row.refusal.code}: ${row.refusal.message}`);
    await setTimeout(200);
  }
}

function check({ batch, memory, slowestList, slowestStatus }: Row): void {
  for (const [name, mib] of Object.entries(memory)) {
    if (mib > mostMiB) failed.push(`${batch}: ${name} held ${mib} MiB, more than ${mostMiB}`);
  }
  if (slowestList > slowestAnswer) failed.push(`${batch}: list took ${slowestList} ms`);
  if (slowestStatus > slowestAnswer) failed.push(`${batch}: status took ${slowestStatus} ms`);
}

function seconds(since: number): number {
  return Number(((performance.now() - since) / 1000).toFixed(2));
}

function numbers(text: string): number[] {
  const all = text.split(",").map(Number);
  if (!all.every((one) => Number.isInteger(one) && one > 0)) throw new InvalidArgumentError("whole numbers from 1");
  return all;
}
