/** kill -9 of a process that appends and publishes, again and again: what it said to be stored is there, once, where it said. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import { publish } from "../../../ledger/publish/publish.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { aLedger, recordsFrom, type TestLedger } from "../a-ledger.ts";

const kills = 8;

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await aLedger();
  ledger.close();
});
afterAll(() => ledger.end());

/** By the record's number what a client was told of it: index and salt. */
const told = new Map<number, string>();

/** Killed so many milliseconds after so many batches were heard of, in the middle of what comes next. */
async function appendUntilKilled(from: number, batches: number, after: number): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "appending-process.ts"), ledger.folder, `${from}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let heard = 0;
  const enough = new Promise<void>((done) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (++heard === batches) done();
    });
  });
  const ended = new Promise<string | null>((done) => child.once("close", (_code, signal) => done(signal)));
  await Promise.race([enough, ended]);
  await setTimeout(after);
  child.kill("SIGKILL");
  expect(await ended).toBe("SIGKILL");
  // A line that is not whole was not heard.
  for (const line of output.slice(0, output.lastIndexOf("\n")).split("\n")) {
    const [number, index, salt] = line.split(" ");
    const said = `${index} ${salt}`;
    expect(told.get(Number(number)) ?? said).toBe(said);
    told.set(Number(number), said);
  }
}

it("NOTHING-LOST: what was said to be stored before a kill is there once, under the same index and salt", async () => {
  for (let kill = 0; kill < kills; kill++) {
    // From a little before the last that was heard of, as a client does who is not sure.
    await appendUntilKilled(Math.max(0, told.size - 20), 2 + (kill % 3), kill * 13);
    const opened = await ledger.reopened();
    try {
      const { findings } = await checkLedger(opened, opened.places);
      expect(findings).toEqual([]);
    } finally {
      opened.close();
    }
  }
  expect(told.size).toBeGreaterThan(100);
  ledger = await ledger.reopened();
  const { size } = await ledger.db.reading(treeHead);
  expect(size).toBeGreaterThanOrEqual(told.size);
  const again = await ledger.add(recordsFrom(0, size));
  expect(again.map(({ index, fresh }) => [index, fresh])).toEqual(again.map((_, index) => [index, false]));
  for (const [number, said] of told)
    expect(`${again[number]?.index} ${hex(again[number]?.salt ?? new Uint8Array())}`).toBe(said);
  for (const place of ledger.places) await publish(ledger, place, await ledger.checkpoint());
  expect(await checkLedger(ledger, ledger.places)).toMatchObject({ size, count: 0 });
});
