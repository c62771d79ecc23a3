/** `coldseal ledger ingest` as a process that is killed (SIGKILL) again and again, at whatever moment: nothing is lost, nothing is there twice; and one that runs out of room. */

import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { append } from "../../../ledger/log/append.ts";
import { takeOver } from "../../../ledger/log/tree-head.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, keeperOf, outboxOf } from "../../bundle/chain.ts";
import { projectRoot } from "../../structure/source-files.ts";
import { type TestLedger, testLedger } from "./on-real-ledger.ts";

const main = join(projectRoot, "desk/main.ts");

let bundles: readonly Bundle[];
let box: TestLedger;
let sticks: readonly string[];
beforeEach(async () => {
  const documents = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`d-${at}.txt`, `document ${at}`]));
  bundles = await chainOf(12, () => ({ documents }));
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis);
  const outbox = outboxOf(bundles);
  sticks = [box.stick(keeperOf(bundles.slice(0, 6)), "keeper"), box.stick(outbox, "outbox")];
}, 60_000);
afterEach(() => box.end());

/** Runs it and kills it `ms` after it told of the first thing that it took, or after it began; the exit status, or the signal that ended it. */
function ingestFor(ms: number, after: "begin" | "told" = "begin"): Promise<number | string> {
  return new Promise((done) => {
    const stdio = ["ignore", "pipe", "ignore"] as const;
    const child = spawn(process.execPath, [main, "ledger", "ingest", box.folder, ...sticks], { stdio: [...stdio] });
    let timer: NodeJS.Timeout | undefined;
    const count = () => {
      timer ??= setTimeout(() => child.kill("SIGKILL"), ms);
    };
    if (after === "begin") count();
    child.stdout?.on("data", count);
    child.once("exit", (status, signal) => {
      clearTimeout(timer);
      done(signal ?? status ?? -1);
    });
  });
}

async function checkWhole(whole: boolean): Promise<number> {
  const records = await box.records();
  const manifests = records.filter(({ type }) => type === "manifest").map((one) => ("number" in one ? one.number : 0));
  expect(manifests).toEqual(manifests.map((_, at) => at + 1));
  expect(records).toHaveLength(manifests.length * 61);
  expect(new Set(records.map((one) => JSON.stringify(one))).size).toBe(records.length);
  if (whole) expect(manifests).toHaveLength(12);
  return manifests.length;
}

describe("a killed ingest", () => {
  it("NOTHING-LOST: killed at whatever moment, the next one goes on, and in the end all is there once", async () => {
    const reached: number[] = [];
    let killed = 0;
    for (let round = 0; killed < 25; round++) {
      const ended = await (round % 2 === 0
        ? ingestFor(150 + ((round * 97) % 400))
        : ingestFor((round * 13) % 60, "told"));
      reached.push(await checkWhole(false));
      if (ended === "SIGKILL") killed += 1;
      else if (ended === 0) break;
    }
    expect(killed).toBeGreaterThan(2);
    expect(reached.toSorted((a, b) => a - b)).toEqual(reached);
    expect(await ingestFor(60_000)).toBe(0);
    await checkWhole(true);
    expect(readdirSync(join(box.folder, "copies"))).toEqual([]);
    const epoch = await takeOver(box.ledger.db);
    const places = await box.ledger.db.writing(async (sql) => append(sql, epoch, await box.records()));
    expect(places.every(({ fresh }) => !fresh)).toBe(true);
  }, 120_000);

  it("STORE: without room for more the ingest ends with a refusal, and goes on when there is some", async () => {
    const words = `ulimit -f 1200; exec "$0" "$@"`;
    const full = spawnSync("bash", ["-c", words, process.execPath, main, "ledger", "ingest", box.folder, ...sticks], {
      encoding: "utf8",
    });
    expect([full.status, full.stderr.slice(0, 6)]).toEqual([3, "STORE:"]);
    expect(await checkWhole(false)).toBeLessThan(12);
    expect(await ingestFor(60_000)).toBe(0);
    await checkWhole(true);
  }, 120_000);
});
