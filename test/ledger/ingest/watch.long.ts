/** `coldseal ledger ingest --watch` as a process: sticks that turn up come into the log once; killed and started anew nothing is lost or there twice; SIGTERM ends it cleanly. */

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { Served, startLedger } from "../programs.ts";
import { type TestLedger, testLedger } from "./on-real-ledger.ts";

let bundles: readonly Bundle[];
let box: TestLedger;
let dir: string;
let running: Served | undefined;
beforeEach(async () => {
  bundles = await chainOf(6);
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis);
  dir = join(box.dir, "watched");
  mkdirSync(dir);
});
afterEach(async () => {
  await ended("SIGKILL");
  box.end();
});

/** A stick with one batch, put there by a rename. */
function turnUp(number: number): void {
  const files: Stick = new Map();
  layBundle(files, `coldseal/outbox/batch-${number}`, bundles[number - 1] as Bundle);
  renameSync(box.stick(files, `made-${number}`), join(dir, `stick-${number}`));
}

async function start(): Promise<Served> {
  const child = startLedger(["ingest", box.folder, "--watch", dir, "--settle", "0.2"]);
  running = await Served.start(child, /^watching /m);
  return running;
}

async function ended(signal: NodeJS.Signals): Promise<number | string> {
  const child = running?.child;
  running = undefined;
  if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? "none";
  const over = new Promise<number | string>((resolve) => child.once("exit", (code, by) => resolve(by ?? code ?? -1)));
  child.kill(signal);
  return over;
}

async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 50));
}

const numbers = async () => (await box.records()).flatMap((one) => (one.type === "manifest" ? [one.number] : []));

it("NOTHING-LOST: sticks are taken as they turn up, wrong ones do not end it, SIGTERM does", async () => {
  const served = await start();
  turnUp(1);
  await until(() => served.out.includes("manifest 1: in the log"));
  mkdirSync(join(dir, "holiday"));
  writeFileSync(join(dir, "holiday/beach.jpg"), "x");
  await until(() => /holiday: REFUSED USAGE/.test(served.out));
  turnUp(2);
  await until(() => served.out.includes("manifest 2: in the log"));
  expect(await ended("SIGTERM")).toBe(0);
  expect(served.out).toMatch(/stopped: what was taken is in the ledger\n$/);
  expect(await numbers()).toEqual([1, 2]);
});

it("NOTHING-LOST: killed at whatever moment, the next one goes on, and each is there once", async () => {
  for (let number = 1; number <= bundles.length; number++) turnUp(number);
  for (const ms of [0, 40, 150, 400]) {
    const served = await start();
    const told = served.out.length;
    if (ms > 0) await until(() => served.out.length > told);
    await new Promise((resolve) => setTimeout(resolve, ms));
    expect(await ended("SIGKILL")).toBe("SIGKILL");
  }
  const served = await start();
  await until(() => served.out.includes("stick-6: "));
  expect(await ended("SIGTERM")).toBe(0);
  expect(await numbers()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await box.records()).toHaveLength(12);
}, 120_000);
